"""Write MDS or LitData of parquet shards, where these libraries are installed.

python -m benchmarks.loaders.converters mosaic|litdata OUTPUT SHARD.parquet ...
"""

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyarrow.parquet as pq

_CHUNK = "16MB"  # of both: their 64 MB would be few chunks to shuffle


def read(files: list[str]) -> Iterator[dict[str, Any]]:
    """Number and image of each row."""
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(256, columns=["number", "image"]):
            images = batch.column("image").field("bytes").to_pylist()
            for number, image in zip(batch.column("number").to_pylist(), images, strict=True):
                yield {"number": number, "image": image}


def read_shard(index: int, files: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of one shard, as `optimize` wants them."""
    yield from read([files[index]])


def write_mosaic(output: str, files: list[str]) -> None:
    """MDS without compression."""
    from streaming import MDSWriter

    columns = {"number": "int", "image": "bytes"}
    with MDSWriter(out=output, columns=columns, size_limit=_CHUNK) as writer:
        for row in read(files):
            writer.write(row)


def write_litdata(output: str, files: list[str]) -> None:
    """LitData's chunks."""
    from litdata import optimize

    optimize(
        partial(read_shard, files=files), list(range(len(files))), output, chunk_bytes=_CHUNK,
        num_workers=2,
    )  # fmt: skip


if __name__ == "__main__":
    {"mosaic": write_mosaic, "litdata": write_litdata}[sys.argv[1]](sys.argv[2], sys.argv[3:])
