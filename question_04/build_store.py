r"""Build a store of raw images: examine, drop duplicates, write shards, index, publish.

    python question_04/build_store.py --source photos --place s3://bucket/faces
    python question_04/build_store.py --source s3://bucket/raw --place s3://bucket/faces \
        --engine ray --cluster 10.0.0.1:6379

Reads images in folders `real` and `fake`, or the list `labels.csv`. Keys of S3 come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, another server's address from AWS_ENDPOINT_URL. Writes
parquet, index, metadata and last a manifest below the place. A build that was stopped goes on.
"""

from faceproof import console, settings
from faceproof.scale.settings import StoreSettings


def main() -> int:
    """Build, and say what became of the images."""
    run = settings.read(StoreSettings, __doc__)

    from faceproof.buckets import Bucket
    from faceproof.scale import builds

    store = builds.build_store(run, Bucket(run.source), Bucket(run.place))
    for reason, count in store.manifest.counts.items():
        console.say(f"{reason:<16} {count}")
    console.say(f"store            {run.place}")
    console.say(
        f"                 load_dataset('parquet', data_files='{run.place}/data/*/*.parquet')"
    )
    return 0


if __name__ == "__main__":
    console.run(main)
