"""Put the dataset on a real S3 server on loopback, as one copy for every reader, and compare.

    python question_04/show_store.py --dataset dataset_builder --results results.json

Starts SeaweedFS on 127.0.0.1 with fresh keys and uploads the parquet shards. Streams them with
`load_dataset(..., streaming=True)`; indexes the same objects, draws a view evenly over labels, asks
another by SQL, reads an epoch through the loader; compares every image both ways. Loopback hides
latency: the rate says that it works, not how fast S3 is.
"""

from faceproof import console, settings
from faceproof.scale.settings import StreamSettings


def main() -> int:
    """Upload, stream back, index, view, load, compare, report."""
    run = settings.read(StreamSettings, __doc__)

    import datasets

    import demonstration
    from faceproof import results
    from faceproof.buckets import Bucket
    from faceproof.data import shards
    from faceproof.scale import servers
    from faceproof.scale.indexing import index_store
    from faceproof.scale.locations import Columns

    datasets.disable_progress_bars()
    fingerprint = shards.verify(run.dataset)
    files = shards.list_shards(run.dataset)

    with servers.start_seaweedfs() as endpoint:
        bucket = Bucket("s3://faceproof", endpoint)
        keys = demonstration.upload(bucket, files)
        stream = demonstration.stream_shards(endpoint, [bucket.url(key) for key in keys])
        values = demonstration.measure(stream, demonstration.hash_images(files), run.passes)
        store = index_store(bucket, Columns(strata=("split", "role")))
        values |= demonstration.show_views(store, files, run)

    values |= {"shards": len(files), "bytes": sum(file.stat().st_size for file in files)}
    place = "S3 server on loopback"
    results.write(run.results, values, results.Run(run, {"dataset": fingerprint}, place=place))
    console.say(f"S3           {len(files)} shards there and back, every image identical")
    console.say(f"             {values['images_per_second']:.0f} images/s, loopback, {run.size}")
    console.say(f"view         {values['view_rows']} rows in {values['view_bytes']} bytes, no copy")
    return 0


if __name__ == "__main__":
    console.run(main)
