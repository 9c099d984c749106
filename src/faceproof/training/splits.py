"""A split of the dataset as training and measuring see it: decoded images and a table of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset
from numpy.typing import NDArray

from faceproof.data.checks.findings import to_values
from faceproof.data.inputs.labels import parse_labels
from faceproof.data.own_pictures import divide_pictures
from faceproof.data.shards import is_built, verify
from faceproof.data.tables import open_dataset
from faceproof.errors import SettingsError
from faceproof.metrics import Labels, Measured, Rows
from faceproof.records import FAKE, SHAM, SPLITS, Split
from faceproof.results import Scalar
from faceproof.storage import claim_folder
from faceproof.training.pixel_cache import PixelStore, open_pixels
from faceproof.training.settings import Arguments

_COLUMNS = (
    "label", "role", "family", "method", "image_id", "pair_id", "component_id", "parameters",
    "source", "seed", "sex", "age_band", "skin_tone", "parent_ids",
)  # fmt: skip


@dataclass(frozen=True)
class LoadedSplit:
    """One split: `table` has a row for each image, in the order of `images` and of `rows`."""

    table: pd.DataFrame
    images: PixelStore
    rows: Dataset
    fingerprint: str

    @property
    def labels(self) -> Labels:
        """0 real, 1 fake, shape (N,)."""
        return np.asarray(self.table["label"], np.int64)

    @property
    def groups(self) -> NDArray[np.str_]:
        """The component of each image, shape (N,)."""
        return np.asarray(self.table["component_id"], np.str_)

    @property
    def has_masks(self) -> bool:
        """Whether it is known where the fakes were forged."""
        return "mask" in self.rows.column_names

    def read_files(self) -> Iterator[bytes]:
        """The encoded image of each row."""
        for row in self.rows.select_columns("image"):
            yield row["image"]["bytes"]

    @property
    def families(self) -> list[str]:
        """The families of the fakes, by name."""
        return sorted(set(self.table["family"][self.labels == FAKE]))

    @property
    def methods(self) -> list[str]:
        """The methods of the fakes, by name."""
        return sorted(set(self.table["method"][self.labels == FAKE]))

    def rows_without(self, name: str | None) -> Rows:
        """Rows that are not of this family, method or source; None: all.

        Of a family or method neither fakes nor shams stay: a sham does not say which method of its
        family it left out, so with any of them all go. Of a source nothing stays that shows its
        people, so no forgery of others' photos with a donor of it.
        """
        if name in set(self.table["source"]):
            return np.flatnonzero(~self._shows(np.asarray(self.table["source"] == name)))
        is_named = (self.table["family"] == name) | (self.table["method"] == name)
        families = set(self.table["family"][is_named])
        is_sham = (self.table["method"] == SHAM) & self.table["family"].isin(families)
        return np.flatnonzero(~(is_named | is_sham))

    def rows_from(self, sources: Sequence[str]) -> Rows:
        """Rows of these sources that show nobody of others; all rows where none is named.

        Raises:
            SettingsError: a source that the split does not hold.
        """
        known = set(self.table["source"])
        if not known >= set(sources):
            raise SettingsError(
                f"sources are {', '.join(sources)}; the dataset holds {', '.join(sorted(known))}"
            )
        return np.flatnonzero(
            ~self._shows(~np.asarray(self.table["source"].isin(sources or known)))
        )

    def _shows(self, own: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Those rows, and what was made with any of them."""
        ids = set(self.table["image_id"][own])
        made = [not ids.isdisjoint(parents) for parents in self.table["parent_ids"]]
        return np.logical_or(own, made)

    def rows_against(self, name: str | None) -> Rows:
        """The fakes of this family, method or source, and every real image; None: all rows."""
        if name is None:
            return np.arange(len(self.table))
        columns = ("family", "method", "source")
        named = np.logical_or.reduce([self.table[column] == name for column in columns])
        return np.flatnonzero((self.labels != FAKE) | named)


def open_splits(
    run: Arguments,
) -> tuple[dict[Split, LoadedSplit], dict[str, Measured | Scalar]]:
    """What a run is trained and measured on, and what the shortcut probes say of it.

    A dataset that build_dataset.py made is opened as it is, for its probes ran when it was built;
    other pictures are divided now.

    Raises:
        DatasetError: a dataset is not what its card says, or pictures are too few.
        InputError: there are no pictures.
    """
    place, cache = Path(run.data.dataset), run.cache_dir
    if is_built(place):
        return load_splits(place, cache), {}
    reader = parse_labels(run.data.labels)
    own = divide_pictures(run.data.dataset, reader, run.output_dir, run.training.seed)
    claim_folder(cache)
    splits = {
        name: LoadedSplit(
            table, open_pixels(rows, cache / own.fingerprint[:12] / name), rows, own.fingerprint
        )
        for name, (table, rows) in own.splits.items()
    }
    return splits, to_values(own.findings)


def load_splits(dataset: Path, cache: Path) -> dict[Split, LoadedSplit]:
    """All splits of a dataset folder, decoded into `cache` on the first call.

    Raises:
        DatasetError: the folder is not what its card says.
    """
    fingerprint = verify(dataset)
    claim_folder(cache)
    splits = open_dataset(dataset)
    return {
        name: LoadedSplit(
            _read_table(splits[name]),
            open_pixels(splits[name], cache / fingerprint[:12] / name),
            splits[name],
            fingerprint,
        )
        for name in SPLITS
    }


def _read_table(rows: Dataset) -> pd.DataFrame:
    table: pd.DataFrame = rows.select_columns(list(_COLUMNS)).to_pandas()
    return table


def check_left_out(name: str, pool: LoadedSplit) -> None:
    """Refuse to leave out a family, method or source that the dataset does not hold.

    Raises:
        SettingsError: with those that it holds.
    """
    known = sorted({*pool.families, *pool.methods, *pool.table["source"]})
    if name not in known:
        raise SettingsError(f"leave_out is {name}; the dataset holds {', '.join(known)}")
