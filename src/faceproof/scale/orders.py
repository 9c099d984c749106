"""In which order a view is read: shuffled, shared out evenly, and the same again after a stop.

Chunks of neighbouring rows are shuffled over the whole view, so requests stay large; then the rows
of a window of chunks are shuffled among themselves. Everything follows from seed, epoch, rank and
place: nothing has to be remembered but how far one has come.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from faceproof.errors import SettingsError

Places = NDArray[np.int64]  # positions in a view

_WARM_UP = (8, 4, 2)  # parts of a window in the first blocks, so that the first batch comes soon


@dataclass(frozen=True)
class Part:
    """One of `world_size` readers that share an epoch."""

    rank: int = 0
    world_size: int = 1

    def __post_init__(self) -> None:
        """Refuse a rank that is not there."""
        if not 0 <= self.rank < self.world_size:
            raise SettingsError(f"rank {self.rank} of {self.world_size}; ranks count from 0")


@dataclass(frozen=True)
class Block:
    """Rows that are fetched together and shuffled among themselves.

    `places` are positions in the view, ascending within a chunk, shape (N,); `chunks` numbers the
    chunk of each, shape (N,); `is_padding` marks those that another part reads too, shape (N,);
    `order` shuffles them.
    """

    places: Places
    chunks: Places
    is_padding: NDArray[np.bool_]
    order: Places


@dataclass(frozen=True)
class Order:
    """The order of a view of `rows` rows.

    Attributes:
        rows: of the view.
        breaks: positions at which a chunk must begin (another file), ascending.
        chunk_rows: rows of a chunk at most.
        window_chunks: chunks whose rows are shuffled among themselves.
        seed: of the shuffles; None keeps the view's own order.
    """

    rows: int
    breaks: tuple[int, ...]
    chunk_rows: int
    window_chunks: int
    seed: int | None

    @cached_property
    def chunk_starts(self) -> Places:
        """First position of each chunk, and the number of rows."""
        edges = sorted({0, *self.breaks, self.rows})
        pieces = [np.arange(begin, end, self.chunk_rows) for begin, end in pairwise(edges)]
        return np.concatenate([*pieces, [self.rows]]).astype(np.int64)

    def count(self, part: Part) -> int:
        """Rows that each part reads in an epoch, padding included: the same for all."""
        return -(-self.rows // part.world_size)

    def blocks(self, epoch: int, part: Part, skip: int = 0) -> Iterator[Block]:
        """The blocks of one part of an epoch, without those rows that were read before.

        Args:
            epoch: number of the pass.
            part: which reader.
            skip: rows that the part has read of this epoch.
        """
        order, ends = self._shuffle_chunks(epoch)
        count = self.count(part)
        first = part.rank * count  # of the part, in the epoch's sequence of rows
        done = first
        for number, stop in enumerate(self._cut(ends, first, first + count)):
            size = stop - done
            if skip >= size:
                skip -= size
            else:
                yield self._make_block(order, ends, (done, stop), (epoch, part, number), skip)
                skip = 0
            done = stop

    def _shuffle_chunks(self, epoch: int) -> tuple[Places, Places]:
        """The chunks of an epoch in order, and where each ends in the sequence of rows."""
        sizes = np.diff(self.chunk_starts)
        order = np.arange(len(sizes))
        if self.seed is not None:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(sizes))
        return order, np.cumsum(sizes[order])

    def _cut(self, ends: Places, first: int, last: int) -> list[int]:
        """Where the blocks of a part end: after whole windows of chunks, and at its own end.

        Padding goes on at the beginning of the sequence, as if it came again.
        """
        again = np.concatenate([ends, ends + self.rows])
        begin = int(np.searchsorted(again, first, side="right"))
        small = [max(1, self.window_chunks // share) for share in _WARM_UP]
        chunks = np.cumsum([*small, *[self.window_chunks] * (len(again) // self.window_chunks)])
        places = begin + chunks - 1
        inner = again[places[places < len(again)]]
        return [*inner[inner < last].tolist(), *([last] if last > first else [])]

    def _make_block(
        self, order: Places, ends: Places, span: tuple[int, int],
        which: tuple[int, Part, int], skip: int,
    ) -> Block:  # fmt: skip
        epoch, part, number = which
        sequence = np.arange(*span)
        place = sequence % self.rows
        chunk = np.searchsorted(ends, place, side="right")
        before = np.where(chunk > 0, ends[chunk - 1], 0)
        places = self.chunk_starts[order[chunk]] + place - before
        shuffled = np.arange(len(places))
        if self.seed is not None:
            draw = np.random.default_rng([self.seed, epoch, part.rank, part.world_size, number])
            shuffled = draw.permutation(len(places))
        wanted = shuffled[skip:]
        kept = np.sort(wanted)
        return Block(
            places[kept], chunk[kept], sequence[kept] >= self.rows, np.searchsorted(kept, wanted)
        )
