"""The loader: the right pixels, each row once, and exactly where it was after a stop."""

import multiprocessing
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.scale.conftest import encode, write_parquet
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from faceproof.buckets import Bucket
from faceproof.data.images import Pixels, decode
from faceproof.errors import SettingsError, StorageError
from faceproof.scale.indexing import index_store
from faceproof.scale.loader import IGNORED, Loading, ViewBatch, ViewLoader
from faceproof.scale.locations import Columns
from faceproof.scale.orders import Part
from faceproof.scale.ranges import ChunkCache
from faceproof.scale.stores import Rows, Store, open_store
from faceproof.scale.views import draw_uniform, select, view_all

SMALL = Loading(batch=7, chunk_bytes=4000, window_bytes=12_000)


def rows_of(batches: Sequence[ViewBatch]) -> list[int]:
    """Rows in the order read, padding left out."""
    return [
        int(row)
        for batch in batches
        for row, label in zip(batch["rows"], batch["labels"], strict=True)
        if label != IGNORED
    ]


def test_pixels_and_labels_are_those_of_the_rows(store: Store, images: list[bytes]) -> None:
    seen = []
    for batch in ViewLoader(store, view_all(store), SMALL):
        for row, label, pixels in zip(
            batch["rows"].tolist(), batch["labels"].tolist(), batch["pixel_values"], strict=True
        ):
            assert np.array_equal(pixels, decode(images[row]))
            assert label == row % 2
            seen.append(row)
    assert sorted(seen) == list(range(120))
    assert seen != sorted(seen)


def test_with_a_side_images_are_stacked(store: Store) -> None:
    batch = next(iter(ViewLoader(store, view_all(store), Loading(batch=5, side_pixels=16))))
    assert batch["pixel_values"].shape == (5, 3, 16, 16)
    assert batch["pixel_values"].dtype == torch.uint8


def test_images_may_be_collated_in_the_decoding_threads(store: Store) -> None:
    def mean(pictures: list[Pixels], rows: Rows, epoch: int) -> torch.Tensor:
        assert (len(rows), epoch) == (len(pictures), 0)
        return torch.tensor([float(one.mean()) for one in pictures])

    loader = ViewLoader(store, view_all(store), Loading(batch=50), collate=mean)
    assert [len(batch["pixel_values"]) for batch in loader] == [50, 50, 20]


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_killed_anywhere_it_goes_on_with_the_very_next_row(
    store: Store, data: st.DataObject
) -> None:
    world_size = data.draw(st.integers(1, 8), "world size")
    part = Part(data.draw(st.integers(0, world_size - 1), "rank"), world_size)
    loading = Loading(
        batch=data.draw(st.integers(1, 30), "batch"), seed=data.draw(st.integers(0, 5), "seed"),
        chunk_bytes=3000, window_bytes=9000,
    )  # fmt: skip

    def open_loader() -> ViewLoader:
        return ViewLoader(store, view_all(store), loading, part)

    whole = open_loader()
    expected = [batch for _ in range(2) for batch in whole]  # two epochs
    kill_after = data.draw(st.integers(1, len(expected)), "batches before the kill")
    killed, state = open_loader(), {}
    seen: list[ViewBatch] = []
    while len(seen) < kill_after:
        for batch in killed:
            seen.append(batch)
            state = killed.state_dict()
            if len(seen) == kill_after:
                break
    resumed = open_loader()
    resumed.load_state_dict(state)
    while len(seen) < len(expected):
        seen += list(resumed)
    for one, two in zip(seen, expected, strict=True):
        assert torch.equal(one["rows"], two["rows"])
        assert torch.equal(one["labels"], two["labels"])
        assert all(map(np.array_equal, one["pixel_values"], two["pixel_values"]))


@pytest.mark.parametrize("world_size", range(1, 9))
def test_in_every_epoch_the_ranks_together_read_every_row_once(
    store: Store, world_size: int
) -> None:
    loaders = [
        ViewLoader(store, view_all(store), SMALL, Part(rank, world_size))
        for rank in range(world_size)
    ]
    orders = []
    for _ in range(2):
        batches = [list(loader) for loader in loaders]
        assert len({len(one) for one in batches}) == 1
        orders.append([row for one in batches for row in rows_of(one)])
        assert sorted(orders[-1]) == list(range(120))
    assert orders[0] != orders[1]


def test_a_state_of_something_else_is_refused(store: Store, tmp_path: Path) -> None:
    state = ViewLoader(store, view_all(store), SMALL).state_dict()
    few = select(store, "SELECT row FROM metadata WHERE row < 50", tmp_path)
    for other in (
        ViewLoader(store, few, SMALL),
        ViewLoader(store, view_all(store), Loading(seed=9)),
        ViewLoader(store, view_all(store), SMALL, Part(1, 2)),
    ):
        with pytest.raises(SettingsError, match="begin the epoch anew"):
            other.load_state_dict(state)


def test_setting_the_epoch_under_way_does_not_begin_it_anew(store: Store) -> None:
    loader = ViewLoader(store, view_all(store), SMALL)
    batches = iter(loader)
    next(batches)
    cursor = loader.state_dict()["cursor"]
    loader.set_epoch(0)
    assert loader.state_dict()["cursor"] == cursor == 7
    loader.set_epoch(3)
    assert (loader.epoch, loader.state_dict()["cursor"]) == (3, 0)


def test_an_older_iterator_moves_no_cursor(store: Store) -> None:
    loader = ViewLoader(store, view_all(store), SMALL)
    older = iter(loader)
    next(older)
    loader.set_epoch(1)
    next(older)
    assert loader.state_dict()["cursor"] == 0
    assert sorted(rows_of(list(loader))) == list(range(120))


@pytest.mark.parametrize("context", ["fork", "forkserver"])
def test_worker_processes_share_the_rows_even_after_the_parent_has_read(
    store: Store, context: str
) -> None:
    next(iter(ViewLoader(store, view_all(store), SMALL)))  # starts obstore's threads here
    loader = DataLoader(
        ViewLoader(store, view_all(store), SMALL), batch_size=None, num_workers=2,
        multiprocessing_context=multiprocessing.get_context(context),
    )  # fmt: skip
    assert sorted(rows_of(list(loader))) == list(range(120))


def test_a_stateful_dataloader_goes_on_too(store: Store) -> None:
    def make() -> StatefulDataLoader[ViewBatch]:
        loader = ViewLoader(store, view_all(store), Loading(batch=10, chunk_bytes=4000))
        return StatefulDataLoader(loader, batch_size=None, num_workers=0)

    expected = rows_of(list(make()))
    first, seen = make(), []
    for batch in first:
        seen.append(batch)
        if len(seen) == 4:
            break
    second = make()
    second.load_state_dict(first.state_dict())
    assert rows_of(seen + list(second)) == expected


def test_repeated_rows_come_as_often_as_they_were_drawn(store: Store) -> None:
    view = draw_uniform(store, 500, 1)
    assert sorted(rows_of(list(ViewLoader(store, view, SMALL)))) == view.rows.tolist()


def test_the_second_epoch_comes_from_the_cache(
    place: Path, tmp_path: Path, images: list[bytes]
) -> None:
    data = tmp_path / "data"
    write_parquet(data / "a.parquet", list(images[:60]), 0)
    index_store(Bucket(str(tmp_path)), Columns())
    cached = open_store(Bucket(str(tmp_path)), cache=ChunkCache(tmp_path / "cache", 1 << 20))
    loader = ViewLoader(cached, view_all(cached), SMALL)
    list(loader)
    (data / "a.parquet").unlink()
    assert sorted(rows_of(list(loader))) == list(range(60))


def test_an_object_that_was_changed_is_refused_and_names_it(
    tmp_path: Path, images: list[bytes]
) -> None:
    path = tmp_path / "data/a.parquet"
    write_parquet(path, list(images[:60]), 0)
    store = index_store(Bucket(str(tmp_path)), Columns())
    raw = bytearray(path.read_bytes())
    _, locations = store.locate(np.array([31]))
    raw[int(locations["offset"][0]) + 40] ^= 1
    path.write_bytes(raw)
    with pytest.raises(StorageError, match=r"a\.parquet.*SHA-256 differs"):
        list(ViewLoader(store, view_all(store), SMALL))


def test_an_image_that_cannot_be_decoded_is_refused_by_its_row(tmp_path: Path) -> None:
    write_parquet(tmp_path / "data/a.parquet", [encode(1), b"no image at all", encode(2)], 0)
    store = index_store(Bucket(str(tmp_path)), Columns())
    with pytest.raises(StorageError, match=r"row 1 of .*not_an_image"):
        list(ViewLoader(store, view_all(store)))


def test_a_loader_left_half_way_stops_its_threads(place: Path) -> None:
    before = set(threading.enumerate())
    store = open_store(Bucket(str(place)))
    for _ in range(5):
        batches = iter(ViewLoader(store, view_all(store), SMALL))
        next(batches)
        batches.close()  # type: ignore[attr-defined]  # a generator
    store.close()
    ours = ("plan", "decode", "ranges")  # a progress bar of another test may start one too
    started = {
        one for one in set(threading.enumerate()) - before if one.name.startswith(ours)
    }  # fmt: skip
    for thread in started:
        thread.join(60)
    assert not any(thread.is_alive() for thread in started)


def test_other_views_and_bad_settings_are_refused(
    store: Store, place: Path, tmp_path: Path
) -> None:
    other = index_store(Bucket(str(tmp_path)), Columns(), Bucket(str(place)))
    with pytest.raises(SettingsError, match="another store"):
        ViewLoader(store, view_all(other))
    with pytest.raises(SettingsError, match="batch is 0"):
        Loading(batch=0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP"])
def test_other_formats_are_decoded_by_the_careful_reader(tmp_path: Path, kind: str) -> None:
    write_parquet(tmp_path / "data/a.parquet", [encode(1, kind)], 0)
    store = index_store(Bucket(str(tmp_path)), Columns())
    (batch,) = ViewLoader(store, view_all(store))
    assert np.array_equal(batch["pixel_values"][0], decode(encode(1, kind)))
