"""A torch loader of views: large reads ahead, decoding in threads, exact resume.

Threads, not worker processes, decode: libjpeg-turbo and OpenCV leave Python's lock, and a batch
made in this process need not be copied into it.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from threading import Lock
from typing import Any, TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from faceproof import memory
from faceproof.data.images import Pixels
from faceproof.errors import ImageError, SettingsError, StorageError
from faceproof.scale.decoders import Pictures, prepare_thread
from faceproof.scale.locations import Locations
from faceproof.scale.orders import Block, Order, Part, Places
from faceproof.scale.ranges import Pieces
from faceproof.scale.stores import Rows, Store
from faceproof.scale.views import View

_BLOCKS_AHEAD = 1  # on its way while one is read
IGNORED = -100  # torch's own mark for a label that no loss is taken of

Collate = Callable[[list[Pixels], Rows, int], Any]  # images, their rows, the epoch


class ViewBatch(TypedDict):
    """A batch of N images.

    `pixel_values` as `collate` gives them; `labels` (N,) int64, -1 where the store has none, -100
    in padding; `rows` (N,) int64, of the store.
    """

    pixel_values: Any
    labels: Tensor
    rows: Tensor


@dataclass(frozen=True)
class Loading:
    """How a view is read.

    Attributes:
        batch: images of a batch; the last one of an epoch may be smaller.
        seed: of the order; None reads the view in its own order.
        side_pixels: images are resized to such squares and stacked, (N, 3, side, side) uint8; None
            gives a list of images as they are, (H, W, 3) uint8 RGB.
        chunk_bytes: of neighbouring images that are fetched together, about; a server spends on
            each request, so they are not small.
        window_bytes: of chunks whose images are shuffled among themselves, about; two or three
            windows are held in memory.
        threads: that decode.
        batches_ahead: decoded before they are asked for.
    """

    batch: int = 64
    seed: int | None = 0
    side_pixels: int | None = None
    chunk_bytes: int = 2 << 20
    window_bytes: int = 64 << 20
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    batches_ahead: int = 8

    def __post_init__(self) -> None:
        """Refuse values that make no loader."""
        for name in ("batch", "chunk_bytes", "window_bytes", "threads", "batches_ahead"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 1 or more")


class ViewLoader(IterableDataset[ViewBatch]):
    """Batches of a view. Iterate over it, or give it to `DataLoader(loader, batch_size=None)`.

    Every rank gets equally many rows; those that fill up the last ranks have the label -100. With
    worker processes each is a part of its own, and `set_epoch` must be called before each epoch,
    because they begin anew. `state_dict` after any batch, `load_state_dict` into
    a new loader, and the next batch is the one that would have come. The process's allocator is
    held to one arena a core (`memory`).
    """

    def __init__(
        self, store: Store, view: View, loading: Loading | None = None, part: Part | None = None,
        collate: Collate | None = None,
    ) -> None:  # fmt: skip
        """Take a view of a store.

        Args:
            store: opened; its cache and concurrency are used.
            view: of this store.
            loading: how to read.
            part: rank and world size; by default those of RANK and WORLD_SIZE.
            collate: from a batch's images, their rows and the epoch to `pixel_values`, called in
                decoding threads; by default what `loading.side_pixels` says.
        """
        if view.facts.store != store.fingerprint:
            raise SettingsError("the view is of another store")
        self._store, self._view = store, view
        self._loading = loading or Loading()
        self._part = part or read_part()
        self._collate = collate
        self._epoch, self._cursor = 0, 0
        self._newest: object = None

    @property
    def epoch(self) -> int:
        """Which epoch is read, or will be."""
        return self._epoch

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch with the next iterator; the one that is under way goes on."""
        if epoch != self._epoch:
            self._epoch, self._cursor = epoch, 0

    def __len__(self) -> int:
        """Batches of an epoch of this process, the same on every rank."""
        return math.ceil(self._order.count(self._part) / self._loading.batch)

    def state_dict(self) -> dict[str, Any]:
        """Where the next batch begins, and of what."""
        return {"epoch": self._epoch, "cursor": self._cursor, "of": self._identify(self._worker())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where a state was taken.

        Raises:
            SettingsError: it is of another view, order or number of ranks.
        """
        if state["of"] != self._identify(self._worker()):
            raise SettingsError(
                "the loader's state is of another view, seed, chunking or number of ranks; "
                "begin the epoch anew"
            )
        self._epoch, self._cursor = int(state["epoch"]), int(state["cursor"])

    def __iter__(self) -> Iterator[ViewBatch]:
        """What is left of the epoch; once it has ended, the next one.

        Raises:
            StorageError: a range cannot be read, or is not what the index says.
            ImageError: an image cannot be decoded.
        """
        part = self._worker()
        if self._cursor >= self._order.count(part):
            self._epoch, self._cursor = self._epoch + 1, 0
        epoch, cursor = self._epoch, self._cursor
        self._newest = newest = object()  # an older iterator moves no cursor
        blocks = self._order.blocks(epoch, part, cursor)
        store = self._store if get_worker_info() is None else copy(self._store)
        memory.share_arenas()
        pipeline = _Pipeline(store, self._view, self._loading, self._collate)
        for batch in pipeline.run(blocks, epoch):
            cursor += len(batch["rows"])
            if self._newest is newest and self._epoch == epoch:
                self._cursor = cursor
            yield batch

    @cached_property
    def _order(self) -> Order:
        files = np.searchsorted(self._store.starts, self._view.rows, side="right")
        mean_bytes = max(1, self._store.mean_bytes)
        chunk_rows = max(1, self._loading.chunk_bytes // mean_bytes)
        return Order(
            rows=len(self._view),
            breaks=tuple((np.flatnonzero(np.diff(files)) + 1).tolist()),
            chunk_rows=chunk_rows,
            window_chunks=max(1, self._loading.window_bytes // (chunk_rows * mean_bytes)),
            seed=self._loading.seed,
        )

    def _worker(self) -> Part:
        """The part of this process, where a DataLoader has several."""
        worker = get_worker_info()
        if worker is None:
            return self._part
        return Part(
            self._part.rank * worker.num_workers + worker.id,
            self._part.world_size * worker.num_workers,
        )

    def _identify(self, part: Part) -> list[Any]:
        order = self._order
        shuffle = [order.seed, order.chunk_rows, order.window_chunks]
        return [self._view.fingerprint, *shuffle, part.rank, part.world_size]


def read_part() -> Part:
    """Rank and world size as torchrun and accelerate state them."""
    return Part(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


class _Fetched:
    """A block on its way: what its rows are, and the requests for their bytes."""

    def __init__(self, store: Store, view: View, block: Block) -> None:
        self.block = block
        self.rows: Rows = view.rows[block.places]
        files, self.locations = store.locate(self.rows)
        self._firsts = np.flatnonzero(np.diff(block.chunks, prepend=-1))
        self._requests = _request(store, files, self._firsts, self.locations)
        self._data: list[memoryview] = []
        self._lock = Lock()

    def wait(self) -> list[memoryview]:
        """The bytes of every row, in the block's order of places."""
        with self._lock:
            if not self._data:
                self._data = [piece for one in self._requests for piece in one.wait()]
        return self._data

    def read_again(self, place: int) -> memoryview:
        """The bytes of one row, past every cache."""
        number = int(np.searchsorted(self._firsts, place, side="right")) - 1
        digest = self.locations["sha256"][place].tobytes()
        return self._requests[number].read_again(place - int(self._firsts[number]), digest)

    def cancel(self) -> None:
        """Drop requests that have not begun."""
        for one in self._requests:
            one.cancel()


def _request(store: Store, files: Places, firsts: Places, locations: Locations) -> list[Pieces]:
    """A request for each chunk of a block; a chunk is the same in every epoch, so it is cached."""
    starts = locations["offset"]
    stops = starts + locations["length"]
    keys = store.keys(files[firsts].tolist())
    edges = [*firsts.tolist(), len(files)]
    return [
        store.reader.request(key, (starts[begin:end], stops[begin:end]))
        for key, (begin, end) in zip(keys, pairwise(edges), strict=True)
    ]


class _Pipeline:
    """Blocks are fetched ahead of batches, batches decoded ahead of the caller."""

    def __init__(self, store: Store, view: View, loading: Loading, collate: Collate | None) -> None:
        self._store, self._view, self._loading, self._collate = store, view, loading, collate
        self._planner = ThreadPoolExecutor(1, thread_name_prefix="plan")
        self._decoders = ThreadPoolExecutor(loading.threads, "decode", prepare_thread)
        self._coming: deque[Future[_Fetched]] = deque()

    def run(self, blocks: Iterator[Block], epoch: int) -> Iterator[ViewBatch]:
        """Batches of the blocks' rows; nothing goes on once the caller has left."""
        waiting: deque[Future[ViewBatch]] = deque()
        try:
            for slices in self._cut(self._fetch(blocks)):
                waiting.append(self._decoders.submit(self._make, slices, epoch))
                if len(waiting) > self._loading.batches_ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            self._stop()

    def _stop(self) -> None:
        self._planner.shutdown(wait=False, cancel_futures=True)
        self._decoders.shutdown(wait=False, cancel_futures=True)
        for one in self._coming:
            one.add_done_callback(_cancel)

    def _fetch(self, blocks: Iterator[Block]) -> Iterator[_Fetched]:
        """Blocks in order, some asked for before they are needed."""
        for block in blocks:
            self._coming.append(self._planner.submit(_Fetched, self._store, self._view, block))
            if len(self._coming) > _BLOCKS_AHEAD:
                memory.give_back()
                yield self._coming.popleft().result()
        while self._coming:
            yield self._coming.popleft().result()

    def _cut(self, blocks: Iterator[_Fetched]) -> Iterator[list[tuple[_Fetched, Places]]]:
        """Batches, as places in one or several blocks."""
        batch: list[tuple[_Fetched, Places]] = []
        missing = self._loading.batch
        for fetched in blocks:
            order = fetched.block.order
            while len(order):
                batch.append((fetched, order[:missing]))
                missing -= len(batch[-1][1])
                order = order[len(batch[-1][1]) :]
                if not missing:
                    yield batch
                    batch, missing = [], self._loading.batch
        if batch:
            yield batch

    def _make(self, slices: Sequence[tuple[_Fetched, Places]], epoch: int) -> ViewBatch:
        pictures = Pictures(sum(len(places) for _, places in slices), self._loading.side_pixels)
        for fetched, places in slices:
            self._decode(fetched, places, pictures)
        labels = np.concatenate([one.locations["label"][places] for one, places in slices])
        is_padding = np.concatenate([one.block.is_padding[places] for one, places in slices])
        rows = np.concatenate([one.rows[places] for one, places in slices])
        pixels: Any = pictures.images
        if self._collate is not None:
            pixels = self._collate(pictures.images, rows, epoch)
        elif pictures.stack is not None:  # channels first in shape, last in memory
            pixels = torch.from_numpy(pictures.stack).permute(0, 3, 1, 2)
        return {
            "pixel_values": pixels,
            "labels": torch.from_numpy(np.where(is_padding, IGNORED, labels).astype(np.int64)),
            "rows": torch.from_numpy(rows),
        }

    def _decode(self, fetched: _Fetched, places: Places, pictures: Pictures) -> None:
        """Check the bytes of some rows and decode them."""
        data, digests = fetched.wait(), fetched.locations["sha256"]
        for place in places.tolist():
            piece = data[place]
            if sha256(piece).digest() != digests[place].tobytes():
                piece = fetched.read_again(place)
            try:
                pictures.add(piece)
            except ImageError as error:
                raise StorageError(
                    f"row {fetched.rows[place]} of {self._store.place.address}: {error}"
                ) from error


def _cancel(fetching: Future[_Fetched]) -> None:
    if not fetching.cancelled() and fetching.exception() is None:
        fetching.result().cancel()
