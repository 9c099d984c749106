"""Views: small files of rows; drawn evenly, asked by SQL, made of each other."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import Image, load_dataset
from scipy.stats import chisquare, kstest

from faceproof.buckets import Bucket
from faceproof.errors import InputError, SettingsError, StorageError
from faceproof.scale.exports import materialise, to_iterable_dataset
from faceproof.scale.indexing import index_store
from faceproof.scale.locations import Columns
from faceproof.scale.settings import ViewSettings
from faceproof.scale.stores import Store, open_store
from faceproof.scale.views import Facts, View, draw_uniform, read_view, select, view_all


def cell(row: int) -> tuple[int, int]:
    return row % 2, row % 3


def test_all_rows_lie_in_strata(store: Store) -> None:
    assert len(store) == 120
    assert [one.rows for one in store.manifest.strata] == [20] * 6
    assert view_all(store).rows.tolist() == list(range(120))
    assert store.manifest.strata[0].values == (0, "female")
    assert {one.values[1] for one in store.manifest.strata} == {"female", "male", None}


def test_independent_draws_are_uniform_over_strata_and_images(store: Store) -> None:
    p_values = []
    images: Counter[int] = Counter()
    for seed in range(300):
        view = draw_uniform(store, 60, seed)
        assert len(view) == 60
        counts = Counter(map(cell, view.rows.tolist()))
        p_values.append(
            float(chisquare([counts.get((a, b), 0) for a in (0, 1) for b in (0, 1, 2)]).pvalue)
        )
        images.update(view.rows.tolist())
    assert kstest(p_values, "uniform").pvalue > 0.001
    assert len(set(draw_uniform(store, 60, 0).rows.tolist())) < 60  # with replacement
    assert chisquare([images[row] for row in range(120)], ddof=0).pvalue > 1e-6


def test_quota_takes_equally_many_different_images(store: Store) -> None:
    view = draw_uniform(store, 63, 1, "quota")
    assert len(set(view.rows.tolist())) == 63
    assert sorted(Counter(map(cell, view.rows.tolist())).values()) == [10, 10, 10, 11, 11, 11]
    assert len(draw_uniform(store, 10_000, 1, "quota")) == 120  # all there are


def test_a_draw_repeats_with_its_seed_and_moves_with_another(store: Store) -> None:
    assert draw_uniform(store, 50, 3).fingerprint == draw_uniform(store, 50, 3).fingerprint
    assert draw_uniform(store, 50, 3).fingerprint != draw_uniform(store, 50, 4).fingerprint


def test_a_draw_may_be_limited_to_declared_labels(store: Store) -> None:
    view = draw_uniform(store, 40, 0, where={"label": 1})
    assert set((view.rows % 2).tolist()) == {1}
    with pytest.raises(InputError, match="number is not declared"):
        draw_uniform(store, 4, 0, where={"number": 1})
    with pytest.raises(InputError, match="no image has"):
        draw_uniform(store, 4, 0, where={"label": 7})
    with pytest.raises(InputError, match="1 or more"):
        draw_uniform(store, 0, 0)


def test_sql_sees_every_column_and_the_split_of_the_file_names(
    store: Store, tmp_path: Path
) -> None:
    view = select(store, "SELECT row FROM metadata WHERE number >= 100 AND label = 1", tmp_path)
    assert view.rows.tolist() == list(range(101, 120, 2))
    split = select(store, "SELECT row FROM metadata WHERE split = 'train'", tmp_path)
    assert split.rows.tolist() == list(range(60, 120))
    even = select(store, "SELECT row FROM metadata WHERE rank < 3", tmp_path)
    assert Counter(map(cell, even.rows.tolist())) == {(a, b): 3 for a in (0, 1) for b in (0, 1, 2)}


def test_a_view_of_a_view_sees_its_rows(store: Store, tmp_path: Path) -> None:
    first = select(store, "SELECT row FROM metadata WHERE label = 0", tmp_path)
    query = "SELECT row FROM metadata WHERE number < 10"
    second = select(store, query, tmp_path, parent=first)
    assert second.rows.tolist() == [0, 2, 4, 6, 8]
    assert second.facts.parent == first.fingerprint
    twice = draw_uniform(store, 600, 0)
    again = select(store, "SELECT row FROM metadata", tmp_path, parent=twice)
    assert again.rows.tolist() == twice.rows.tolist()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT label FROM metadata", "must give `row`"),
        ("SELECT row FROM nothing", "the query failed"),
        ("SELEC", "the query failed"),
        ("SELECT 120 AS row", "does not have"),
        ("SELECT -1 AS row", "does not have"),
        ("SELECT NULL AS row", "nulls"),
        ("SELECT 1 AS row FROM read_csv('/etc/passwd')", "the query failed"),
        ("COPY metadata TO '/tmp/stolen.csv'", "the query failed|a SELECT"),
        ("CREATE TABLE a AS SELECT 1", "a SELECT|must give"),
    ],
)
def test_bad_queries_are_refused_in_a_sentence(
    store: Store, tmp_path: Path, query: str, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        select(store, query, tmp_path)


def test_an_empty_answer_is_an_empty_view(store: Store, tmp_path: Path) -> None:
    view = select(store, "SELECT row FROM metadata WHERE label = 9", tmp_path)
    assert len(view) == 0
    view.save(tmp_path / "empty.parquet")
    assert len(read_view(tmp_path / "empty.parquet", store)) == 0


def test_views_keep_and_refuse_what_is_none(store: Store, tmp_path: Path) -> None:
    view = draw_uniform(store, 30, 5)
    view.save(tmp_path / "view.parquet")
    assert read_view(tmp_path / "view.parquet", store).fingerprint == view.fingerprint
    pq.write_table(
        pq.read_table(tmp_path / "view.parquet").replace_schema_metadata(None), tmp_path / "x"
    )
    for path in (tmp_path / "x", tmp_path / "missing", tmp_path):
        with pytest.raises(InputError, match="no view"):
            read_view(path, store)


def test_a_view_of_another_store_is_refused(store: Store, place: Path, tmp_path: Path) -> None:
    other = index_store(Bucket(str(tmp_path / "other")), Columns(), Bucket(str(place)))
    view_all(other).save(tmp_path / "view.parquet")
    with pytest.raises(InputError, match="another store"):
        read_view(tmp_path / "view.parquet", store)


def test_a_large_view_is_small() -> None:
    rows = np.sort(np.random.default_rng(0).integers(10_000_000, size=100_000))
    facts = Facts("s", "s", "q", 0)
    assert len(View(rows, facts).encode()) < 2_000_000


def test_a_store_of_elsewhere_points_to_it_and_copies_nothing(place: Path, tmp_path: Path) -> None:
    made = index_store(
        Bucket(str(tmp_path)), Columns("image", "label", ("split",)), Bucket(str(place))
    )
    opened = open_store(Bucket(str(tmp_path)))
    assert opened.fingerprint == made.fingerprint
    assert opened.manifest.data == str(place)
    assert not (tmp_path / "data").exists()
    assert [one.values for one in opened.manifest.strata] == [("test",), ("train",)]


def test_indexing_again_changes_nothing_and_otherwise_is_refused(
    place: Path, tmp_path: Path
) -> None:
    here, there = Bucket(str(tmp_path)), Bucket(str(place))
    index_store(here, Columns(), there)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    index_store(here, Columns(), there)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == before
    with pytest.raises(StorageError, match="another store"):
        index_store(here, Columns(strata=("sex",)), there)
    with pytest.raises(StorageError, match="no column mood"):
        index_store(Bucket(str(tmp_path / "b")), Columns(strata=("mood",)), there)
    with pytest.raises(StorageError, match="it is not there"):
        index_store(Bucket(str(tmp_path / "c")), Columns())
    (tmp_path / "d").mkdir()
    with pytest.raises(StorageError, match="nothing to index"):
        index_store(Bucket(str(tmp_path / "d")), Columns())


def test_a_view_opens_as_a_streamed_dataset_and_as_a_file(
    store: Store, images: list[bytes], tmp_path: Path
) -> None:
    view = draw_uniform(store, 70, 2)
    stream = to_iterable_dataset(store, view).cast_column("image", Image(decode=False))
    rows = list(stream)
    assert [row["number"] for row in rows] == view.rows.tolist()
    assert all(row["image"]["bytes"] == images[row["number"]] for row in rows)
    materialise(store, view, tmp_path / "copy.parquet")
    copied = load_dataset(
        "parquet", data_files=str(tmp_path / "copy.parquet"), split="train",
        cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    assert copied["number"][:] == view.rows.tolist()
    assert copied[3]["image"].size == (24, 24)


def test_settings_ask_for_one_kind_of_view() -> None:
    with pytest.raises(SettingsError, match="either"):
        ViewSettings("s", Path("v"))
    with pytest.raises(SettingsError, match="either"):
        ViewSettings("s", Path("v"), sql="SELECT", uniform=3)
    with pytest.raises(SettingsError, match="view of a view"):
        ViewSettings("s", Path("v"), uniform=3, parent=Path("p"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "columns": 3}'])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(StorageError, match=r"manifest|format"):
        open_store(Bucket(str(tmp_path)))


def test_a_place_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot read manifest"):
        open_store(Bucket(str(tmp_path)))
