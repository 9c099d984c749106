"""A store in a folder: small real JPEGs in two parquet files, indexed."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from faceproof.buckets import Bucket
from faceproof.records import LABELS
from faceproof.scale.indexing import index_store
from faceproof.scale.locations import Columns
from faceproof.scale.stores import Store, open_store

ROWS_EACH = 60


def encode(value: int, kind: str = "JPEG") -> bytes:
    """A 24-pixel picture of one colour and some noise."""
    rng = np.random.default_rng(value)
    pixels = np.clip(rng.normal(value % 256, 12, (24, 24, 3)), 0, 255).astype(np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, kind)
    return sink.getvalue()


def write_parquet(path: Path, images: list[bytes | None], first: int, **options: object) -> None:
    """A parquet file as another project might write it."""
    count = len(images)
    cells: list[dict[str, object] | None] = [
        None if one is None else {"bytes": one, "path": None} for one in images
    ]
    table = pa.table(
        {
            "label": pa.array([LABELS[(first + one) % 2] for one in range(count)]),
            "sex": pa.array([["female", "male", None][(first + one) % 3] for one in range(count)]),
            "number": pa.array([first + one for one in range(count)]),
            "image": pa.array(cells, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        path,
        **({"compression": "NONE", "use_dictionary": False, "row_group_size": 25} | options),
    )


@pytest.fixture(scope="session")
def images() -> list[bytes]:
    """The encoded images of the store, by row."""
    return [encode(one) for one in range(2 * ROWS_EACH)]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, images: list[bytes]) -> Path:
    """A folder with a published store."""
    folder = tmp_path_factory.mktemp("store")
    for number in range(2):
        first = number * ROWS_EACH
        name = f"{'train' if number else 'test'}-{number}.parquet"
        write_parquet(folder / "data" / name, list(images[first : first + ROWS_EACH]), first)
    index_store(Bucket(str(folder)), Columns(strata=("label", "sex")))
    return folder


@pytest.fixture
def store(place: Path) -> Store:
    """The store, opened."""
    return open_store(Bucket(str(place)))
