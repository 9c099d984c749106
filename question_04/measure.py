"""Put the dataset on a real S3 server on loopback and stream it back, byte for byte.

    python question_04/measure.py --dataset dataset_builder --results results.json

Starts SeaweedFS on 127.0.0.1 with fresh keys, uploads the parquet shards, streams them with
`load_dataset(..., streaming=True)`, compares every image, and stops the server. Loopback hides
latency: the rate says that it works, not how fast S3 is.
"""

import datasets

from faceproof import console, results, settings
from faceproof.data import shards
from faceproof.scale import servers, streaming
from faceproof.storage import Bucket


def main() -> int:
    """Upload, stream back, compare, report."""
    datasets.disable_progress_bars()
    run = settings.read(streaming.StreamSettings, __doc__)
    fingerprint = shards.verify(run.dataset)
    files = shards.list_shards(run.dataset)

    with servers.start_seaweedfs() as endpoint:
        bucket = Bucket(endpoint, run.bucket)
        keys = streaming.upload(bucket, files)
        stream = streaming.open_stream(endpoint, [bucket.url(key) for key in keys])
        values = streaming.measure(stream, streaming.hash_images(files), run.passes)

    values |= {"shards": len(files), "bytes": sum(file.stat().st_size for file in files)}
    results.write(
        run.results,
        values,
        results.Run(run, {"dataset": fingerprint}, place="S3 server on loopback"),
    )
    console.say(f"S3           {len(files)} shards there and back, every image identical")
    console.say(f"             {values['images_per_second']:.0f} images/s, loopback, {run.size}")
    return 0


if __name__ == "__main__":
    console.run(main)
