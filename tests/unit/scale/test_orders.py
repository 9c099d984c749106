"""Orders: every row once, evenly shared, shuffled, and the same again after any stop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceproof.errors import SettingsError
from faceproof.scale.orders import Order, Part

ORDERS = st.builds(
    lambda rows, cuts, chunk, window, seed: Order(
        rows, tuple(sorted({one % rows for one in cuts if one % rows})), chunk, window, seed
    ),
    rows=st.integers(1, 400),
    cuts=st.lists(st.integers(1, 399), max_size=5),
    chunk=st.integers(1, 40),
    window=st.integers(1, 9),
    seed=st.integers(0, 2**32),
)


def read(order: Order, epoch: int, part: Part, skip: int = 0) -> list[tuple[int, bool]]:
    """Positions in the order in which a loader gives them, and whether they are padding."""
    found = []
    for block in order.blocks(epoch, part, skip):
        for place in block.order:
            found.append((int(block.places[place]), bool(block.is_padding[place])))
    return found


@given(ORDERS, st.integers(0, 3), st.integers(1, 8))
def test_every_row_comes_once_and_every_rank_gets_as_many(
    order: Order, epoch: int, world_size: int
) -> None:
    parts = [read(order, epoch, Part(rank, world_size)) for rank in range(world_size)]
    assert {len(part) for part in parts} == {order.count(Part(0, world_size))}
    real = [place for part in parts for place, is_padding in part if not is_padding]
    assert sorted(real) == list(range(order.rows))
    assert sum(len(part) for part in parts) - len(real) < world_size


@settings(max_examples=200)
@given(ORDERS, st.integers(0, 3), st.data())
def test_a_part_goes_on_after_any_number_of_rows(
    order: Order, epoch: int, data: st.DataObject
) -> None:
    world_size = data.draw(st.integers(1, 8))
    part = Part(data.draw(st.integers(0, world_size - 1)), world_size)
    whole = read(order, epoch, part)
    skip = data.draw(st.integers(0, len(whole)))
    assert read(order, epoch, part, skip) == whole[skip:]


def test_epochs_and_seeds_differ_and_repeat() -> None:
    def orders(seed: int, epoch: int) -> list[tuple[int, bool]]:
        return read(Order(200, (), 10, 4, seed), epoch, Part())

    assert orders(1, 0) == orders(1, 0)
    assert orders(1, 0) != orders(1, 1)
    assert orders(1, 0) != orders(2, 0)


def test_chunks_are_read_whole_and_within_one_file() -> None:
    order = Order(100, (37,), 10, 3, seed=5)
    for block in order.blocks(0, Part()):
        assert (np.diff(block.places) == 1).sum() >= len(block.places) - 4  # at most three chunks
    edges = set(order.chunk_starts.tolist())
    assert {0, 37, 47, 100} <= edges
    assert 40 not in edges


def test_without_a_seed_the_order_is_that_of_the_view() -> None:
    order = Order(53, (20,), 7, 2, seed=None)
    assert [place for place, _ in read(order, 3, Part())] == list(range(53))


def test_an_empty_view_has_no_blocks() -> None:
    assert read(Order(0, (), 4, 2, 0), 0, Part(1, 3)) == []


def test_a_rank_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="rank 2 of 2"):
        Part(2, 2)
