"""Make a store of parquet that is there: find where each image lies, and write that beside it.

    python question_04/index_store.py --data s3://bucket/dataset --place s3://bucket/index
    python question_04/index_store.py --data dataset_builder --place build/index

Nothing of the dataset is copied or changed. Its image column must be uncompressed, as `datasets`
writes it. Keys of S3 come from the AWS variables. A run that was stopped goes on.
"""

from faceproof import console, settings
from faceproof.scale.settings import IndexSettings


def main() -> int:
    """Index and publish."""
    run = settings.read(IndexSettings, __doc__)

    from faceproof.buckets import Bucket
    from faceproof.data.inputs.labels import parse_labels
    from faceproof.scale import indexing
    from faceproof.scale.locations import Columns

    label = None if run.label == "none" else run.label
    columns = Columns(run.image, label, tuple(one for one in run.strata if one != "none"))
    labels = parse_labels(run.labels)
    store = indexing.index_store(Bucket(run.place), columns, Bucket(run.data), run.prefix, labels)
    console.say(f"images           {len(store)} in {len(store.manifest.files)} files")
    console.say(
        f"strata           {len(store.manifest.strata)} of {', '.join(run.strata) or 'none'}"
    )
    console.say(f"store            {run.place}")
    return 0


if __name__ == "__main__":
    console.run(main)
