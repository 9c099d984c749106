"""Check somebody's split of faces, by its manifest: does anybody stand on both sides?

    python dataset_builder/check_splits.py --data faces.zip --manifest faces.csv

Reads images and a CSV with the columns image, split and identity_id, and where known image_id and
parent_ids. Writes nothing; exit code 1 and the names if a person, near copies (resized, encoded
again, mirrored) or a parent stand in another split, or if no column names people.
"""

from faceproof import console, settings
from faceproof.data.settings import ManifestSettings


def main() -> int:
    """Read, compare, refuse or say that all is well."""
    run = settings.read(ManifestSettings, __doc__)

    from faceproof.data.checks import manifests

    entries = manifests.read_manifest(run)
    looked = manifests.refuse_leaks(entries, run.data)
    console.say(
        f"{looked.compared} of {looked.images} images compared, {looked.people} people: "
        "no split leaks"
    )
    return 0


if __name__ == "__main__":
    console.run(main)
