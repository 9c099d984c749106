"""Metadata: strata of any kind of value, columns of any name, rows where they belong."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.unit.scale.conftest import encode

from faceproof.buckets import Bucket
from faceproof.errors import StorageError
from faceproof.scale.indexing import index_store
from faceproof.scale.locations import Columns
from faceproof.scale.metadata import find_groups
from faceproof.scale.stores import open_store, publish_store
from faceproof.scale.views import draw_uniform, select, view_all


def write(folder: Path, **columns: object) -> Bucket:
    count = len(next(iter(columns.values())))  # type: ignore[arg-type]  # lists and arrays
    table = pa.table({**columns, "image": [encode(one) for one in range(count)]})
    (folder / "data").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "data/train-0.parquet", compression="NONE")
    return Bucket(str(folder))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([1.5, float("nan"), 1.5, None]), {(1.5,): 2, (None,): 2}),
        (pa.array(["a", "b", "a", None]).dictionary_encode(), {("a",): 2, ("b",): 1, (None,): 1}),
        (pa.array([0, 0, 86_400, 0], pa.timestamp("s")).cast(pa.date32()), None),
        (pa.array([True, False, True, True]), {(True,): 3, (False,): 1}),
    ],
    ids=["nan", "category", "date", "bool"],
)
def test_strata_of_any_kind_survive_the_manifest(
    tmp_path: Path, values: pa.Array, expected: dict[tuple[object, ...], int] | None
) -> None:
    place = write(tmp_path, label=["real", "fake", "real", "fake"], kind=values)
    made = index_store(place, Columns(strata=("kind",)))
    opened = open_store(place)
    assert opened.fingerprint == made.fingerprint
    publish_store(place, made.manifest)  # the same again changes nothing
    found = {one.values: one.rows for one in opened.manifest.strata}
    assert found == (expected or {("1970-01-01",): 3, ("1970-01-02",): 1})
    assert len(draw_uniform(opened, 10, 0)) == 10


def test_columns_with_dots_and_of_our_own_names_do_no_harm(tmp_path: Path) -> None:
    place = write(
        tmp_path,
        **{"label": ["real", "fake", "real"], "meta.age": [7, 8, 9], "weight": [70, 80, 90]},
    )
    store = index_store(place, Columns())
    old = select(store, 'SELECT row FROM metadata WHERE "meta.age" > 7', tmp_path / "k")
    assert old.rows.tolist() == [1, 2]
    again = select(store, "SELECT row FROM metadata", tmp_path / "k", parent=old)
    assert again.rows.tolist() == [1, 2]


def test_a_missing_label_column_is_named_and_may_be_none(tmp_path: Path) -> None:
    place = write(tmp_path, number=[1, 2])
    with pytest.raises(StorageError, match="no column label of labels; it has number, image"):
        index_store(place, Columns())
    assert len(view_all(index_store(place, Columns(label=None)))) == 2


def test_a_damaged_index_or_metadata_file_is_refused(tmp_path: Path) -> None:
    store = index_store(write(tmp_path, label=["real", "fake"]), Columns())
    for part in ("index", "metadata"):
        (path,) = (tmp_path / part).iterdir()
        whole = path.read_bytes()
        path.write_bytes(whole[:-20] + bytes(20))
        fresh = open_store(Bucket(str(tmp_path)))
        read: dict[str, Callable[[], object]] = {
            "index": partial(fresh.locate, np.array([0])),
            "metadata": partial(fresh.fetch_metadata, tmp_path / "kept"),
        }
        with pytest.raises(StorageError, match="was changed"):
            read[part]()
        path.write_bytes(whole)
    assert len(store) == 2


@pytest.mark.parametrize("left", ["cut", "zeroed"])
def test_what_a_power_cut_left_of_kept_metadata_is_fetched_again(tmp_path: Path, left: str) -> None:
    store = index_store(write(tmp_path, label=["real", "fake"]), Columns())
    (path,) = store.fetch_metadata(tmp_path / "kept")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] if left == "cut" else bytes(len(whole)))
    assert store.fetch_metadata(tmp_path / "kept") == [path]
    assert path.read_bytes() == whole


def test_damaged_parquet_is_refused_in_a_sentence(tmp_path: Path) -> None:
    place = write(tmp_path, label=["real", "fake"])
    path = tmp_path / "data/train-0.parquet"
    path.write_bytes(path.read_bytes()[:-12] + b"\xff\xff\xff\x00PAR1")
    with pytest.raises(StorageError, match="train-0"):
        index_store(place, Columns())


def test_places_are_found_in_their_row_groups(tmp_path: Path) -> None:
    pq.write_table(pa.table({"row": np.arange(100)}), tmp_path / "a", row_group_size=30)
    about = pq.ParquetFile(tmp_path / "a").metadata
    groups, among = find_groups(about, np.array([31, 95, 32]))
    assert groups == [1, 3]
    assert among.tolist() == [1, 35, 2]  # 30 rows of group 1 come before group 3


def test_a_shard_without_rows_or_bytes_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = write(tmp_path, label=["real", "fake"])
    whole = pq.read_table(tmp_path / "data/train-0.parquet")
    pq.write_table(whole.slice(0, 0), tmp_path / "data/train-1.parquet", compression="NONE")
    (tmp_path / "data/train-2.parquet").touch()
    assert len(view_all(index_store(place, Columns()))) == 2
    assert "left out 1 files of no bytes" in caplog.text
