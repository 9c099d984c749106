"""Check somebody's split of faces, by its manifest: does anybody stand on both sides?

    python dataset_builder/check_splits.py --data faces.zip --manifest faces.csv

Reads images and a CSV with the columns image and split, and where known identity_id, image_id and
parent_ids. Writes nothing; exit code 1 and the names if a person, near copies (resized, encoded
again, mirrored) or a parent stand in another split.
"""

from faceproof import console, settings
from faceproof.data.checks import manifests


def main() -> int:
    """Read, compare, refuse or say that all is well."""
    run = settings.read(manifests.ManifestSettings, __doc__)
    entries = manifests.read_manifest(run)
    compared = manifests.refuse_leaks(entries, run.data)
    people = len({entry.identity_id for entry in entries if entry.identity_id})
    console.say(f"{compared} of {len(entries)} images compared, {people} people: no split leaks")
    return 0


if __name__ == "__main__":
    console.run(main)
