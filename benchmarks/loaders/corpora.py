"""The same images in every contender's format on one S3 server."""

import io
import logging
import os
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faceproof.buckets import Bucket, Endpoint
from faceproof.console import progress
from faceproof.data.images import decode, encode_jpeg
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest
from faceproof.records import LABELS
from faceproof.scale.indexing import index_store
from faceproof.scale.locations import Columns
from faceproof.scale.units import write_images
from faceproof.storage import claim_folder, replacing, replacing_folder

BUCKET = "bench"
_QUALITY, _SUBSAMPLING = 85, 2
_STRATA = ("label", "sex", "age")
_PUTS = 32  # objects at once
_CONVERTERS = "benchmarks.loaders.converters"
_PACKAGES = Path(__file__).parents[3]  # where `faceproof` lies

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """What is made: `images` JPEGs of `side` pixels in `shards` files."""

    images: int
    side: int
    shards: int
    seed: int

    @property
    def name(self) -> str:
        """Its folder's name."""
        return f"{self.images}x{self.side}-{self.shards}-{self.seed}"


@dataclass(frozen=True)
class Layout:
    """Where the formats lie."""

    parquet: str
    files: list[str]
    local: list[str]
    mean_bytes: float
    tars: list[str] = field(default_factory=list)
    objects: str = "objects"
    lance: str = f"s3://{BUCKET}/lance/images.lance"
    mds: str = f"s3://{BUCKET}/mosaic"
    litdata: str = f"s3://{BUCKET}/litdata"


def make_images(corpus: Corpus, shard: int) -> list[bytes]:
    """JPEGs of one shard: two ORL photos mixed, tinted and with noise, none like another."""
    photos = _read_photos(corpus.side)
    rng = np.random.default_rng([corpus.seed, shard])
    images = []
    for _ in range(corpus.images // corpus.shards):
        first, second = rng.integers(len(photos), size=2)
        share = rng.uniform(0.2, 0.8)
        mixed = photos[first] * share + photos[second] * (1 - share)
        tinted = mixed[..., None] * rng.uniform(0.8, 1.2, 3) + rng.normal(
            0, 7, (corpus.side,) * 2 + (1,)
        )
        pixels = np.clip(tinted, 0, 255).astype(np.uint8)
        images.append(encode_jpeg(pixels, _QUALITY, _SUBSAMPLING))
    return images


def _read_photos(side: int) -> list[np.ndarray]:
    nothing = SourceRequest(input=None, folder=Path("unused"))
    return [
        cv2.resize(decode(photo.path.read_bytes())[..., 0], (side, side)).astype(np.float32)
        for photo in orl.read(nothing)
    ]


def list_columns(rows: range, rng: np.random.Generator) -> pa.Table:
    """Metadata of made images: number, label, sex, age band."""
    count = len(rows)
    return pa.table(
        {
            "number": pa.array(np.asarray(rows, np.int32)),
            "label": pa.array(np.asarray(LABELS)[rng.integers(2, size=count)]),
            "sex": pa.array(np.asarray(["female", "male"])[rng.integers(2, size=count)]),
            "age": pa.array(rng.integers(7, size=count).astype(np.int32)),
        }
    )


def write_shard(corpus: Corpus, folder: Path, shard: int) -> None:
    """One parquet shard of the corpus, as our build writes it, unless it is there."""
    path = locate(folder, corpus, shard)
    if path.is_file():
        return
    each = corpus.images // corpus.shards
    rng = np.random.default_rng([corpus.seed, shard, 1])
    columns = list_columns(range(shard * each, (shard + 1) * each), rng)
    with replacing(path) as partial_path:
        write_images(partial_path, columns, make_images(corpus, shard))


def locate(folder: Path, corpus: Corpus, shard: int) -> Path:
    """The file of a shard."""
    return folder / f"train-{shard:05d}-of-{corpus.shards:05d}.parquet"


def write_corpus(corpus: Corpus, folder: Path) -> list[Path]:
    """All shards of a corpus in a folder, made by two processes; those that are there are kept."""
    claim_folder(folder)
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        done = pool.map(partial(write_shard, corpus, folder), range(corpus.shards))
        for _ in progress(done, "making images", "shards", corpus.shards):
            pass
    return [locate(folder, corpus, shard) for shard in range(corpus.shards)]


def lay_out_parquet(corpus: Corpus, work: Path, endpoint: Endpoint) -> Layout:
    """Our format on the server, indexed; what is there is used."""
    files = write_corpus(corpus, work / corpus.name / "data")
    bucket = Bucket(f"s3://{BUCKET}", endpoint)
    bucket.create()
    for file in progress(files, "uploading", "shards", len(files)):
        bucket.put(f"parquet/data/{file.name}", file)
    index_store(Bucket(f"s3://{BUCKET}/parquet", endpoint), Columns(strata=_STRATA))
    total = sum(len(one) for file in files for one in read_images(file))
    return Layout(
        parquet=f"s3://{BUCKET}/parquet",
        files=[f"data/{file.name}" for file in files],
        local=[str(file) for file in files],
        mean_bytes=total / corpus.images,
    )


def lay_out(corpus: Corpus, work: Path, endpoint: Endpoint, peers: dict[str, Path]) -> Layout:
    """Every format on the server.

    Args:
        corpus: the images.
        work: folder for local copies; what is there is used.
        endpoint: of the server.
        peers: Python of the environments of `litdata` and `mosaic`.
    """
    layout = lay_out_parquet(corpus, work, endpoint)
    bucket = Bucket(f"s3://{BUCKET}", endpoint)
    files = [Path(one) for one in layout.local]
    tars = [_put_tar(bucket, file, number) for number, file in enumerate(files)]
    _put_objects(bucket, files)
    _put_lance(endpoint, files)
    for name, python in peers.items():
        folder = work / corpus.name / name
        _convert(python, name, files, folder)
        _put_folder(bucket, folder, name)
    return replace(layout, tars=tars)


def read_images(file: Path) -> Iterator[bytes]:
    """The images of a parquet shard."""
    for batch in pq.ParquetFile(file).iter_batches(256, columns=["image"]):
        yield from batch.column("image").field("bytes").to_pylist()


def _put_tar(bucket: Bucket, file: Path, shard: int) -> str:
    key = f"tar/{shard:05d}.tar"
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for number, image in _number(file, shard):
            member = tarfile.TarInfo(f"{number:07d}.jpg")
            member.size = len(image)
            tar.addfile(member, io.BytesIO(image))
    bucket.put(key, sink.getvalue())
    return key


def _number(file: Path, shard: int) -> Iterator[tuple[int, bytes]]:
    rows = pq.ParquetFile(file).metadata.num_rows
    yield from enumerate(read_images(file), shard * rows)


def _put_objects(bucket: Bucket, files: Sequence[Path]) -> None:
    def put(pair: tuple[int, bytes]) -> None:
        bucket.put(f"objects/{pair[0]:07d}.jpg", pair[1])

    with ThreadPoolExecutor(_PUTS) as pool:
        for shard, file in enumerate(progress(files, "uploading objects", "shards", len(files))):
            for _ in pool.map(put, _number(file, shard)):
                pass


def list_environment() -> dict[str, str]:
    """This process's variables for an interpreter that we are not installed in."""
    return {**os.environ, "PYTHONPATH": str(_PACKAGES)}


def list_lance_options(endpoint: Endpoint) -> dict[str, str]:
    """A server's address and keys as Lance takes them."""
    return {
        "endpoint": endpoint.url, "allow_http": "true", "region": "us-east-1",
        "access_key_id": endpoint.key, "secret_access_key": endpoint.secret,
    }  # fmt: skip


def _put_lance(endpoint: Endpoint, files: Sequence[Path]) -> None:
    import lance

    options = list_lance_options(endpoint)
    for shard, file in enumerate(files):
        pairs = list(_number(file, shard))
        table = pa.table(
            {
                "number": [one for one, _ in pairs],
                "image": pa.array([one for _, one in pairs], pa.large_binary()),
            }
        )
        lance.write_dataset(
            table, f"s3://{BUCKET}/lance/images.lance", mode="append" if shard else "create",
            storage_options=options,
        )  # fmt: skip


def _convert(python: Path, name: str, files: Sequence[Path], output: Path) -> None:
    """Have an environment write its own format."""
    if output.is_dir():
        return
    with replacing_folder(output) as partial_output:
        words = [str(python), "-m", _CONVERTERS, name, str(partial_output), *map(str, files)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=list_environment())


def _put_folder(bucket: Bucket, folder: Path, prefix: str) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            bucket.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path)
