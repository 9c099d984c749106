"""A split of a dataset, scored and measured: as a whole, by method, by source and by person."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.images import Pixels
from faceproof.detector.calibration import Decision, Margins, to_margins
from faceproof.detector.evaluation import measure_all, measure_decision
from faceproof.detector.preprocessing import to_tensor
from faceproof.intervals import Ranking, Share
from faceproof.metrics import Labels, Measured, Rows
from faceproof.records import FAKE
from faceproof.storage import claim_folder, replacing
from faceproof.training.augmentation import Augment
from faceproof.training.splits import LoadedSplit

_BATCH = 8  # larger ones leave the cache
_TRAITS = ("sex", "age_band", "skin_tone")

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ScoredSplit:
    """Rows of a split as a model saw them: row numbers, shape (N,), and margins, shape (N,)."""

    pool: LoadedSplit
    rows: Rows
    margins: Margins

    @property
    def labels(self) -> Labels:
        """0 real, 1 fake, shape (N,)."""
        return self.pool.labels[self.rows]

    @property
    def groups(self) -> NDArray[np.str_]:
        """The component of each row, shape (N,)."""
        return self.pool.groups[self.rows]

    def keep(self, rows: Rows) -> "ScoredSplit":
        """Those of the rows that are among the given ones."""
        is_kept = np.isin(self.rows, rows)
        return replace(self, rows=self.rows[is_kept], margins=self.margins[is_kept])


@dataclass(frozen=True)
class KeptScores:
    """Margins of a split that are computed once and kept in a folder; None keeps nothing.

    `made_from` tells the model, the data and the change apart.
    """

    folder: Path | None
    made_from: tuple[str, ...]

    def score(
        self, model: PreTrainedModel, processor: BaseImageProcessor, pool: LoadedSplit, rows: Rows,
        change: Augment | None = None,
    ) -> ScoredSplit:  # fmt: skip
        """What `score_split` gives."""
        if self.folder is None:
            return score_split(model, processor, pool, rows, change)
        digest = hashlib.sha256("\n".join(self.made_from).encode() + rows.tobytes()).hexdigest()
        place = claim_folder(self.folder) / f"{digest}.npy"
        if not place.is_file():
            with replacing(place) as partial, partial.open("wb") as sink:
                np.save(sink, score_split(model, processor, pool, rows, change).margins)
        return ScoredSplit(pool, rows, np.load(place))


def score_split(
    model: PreTrainedModel, processor: BaseImageProcessor, pool: LoadedSplit,
    rows: Rows | None = None, change: Augment | None = None,
) -> ScoredSplit:  # fmt: skip
    """Rows of a split, every one if none are named, scored after a change of each image.

    What a change draws depends on the row alone.
    """
    rows = np.arange(len(pool.table)) if rows is None else rows

    def read(row: int) -> Pixels:
        pixels = np.ascontiguousarray(pool.images.image(row))
        return pixels if change is None else change(pixels, np.random.default_rng(row))

    return ScoredSplit(pool, rows, score_pictures(model, processor, map(read, rows.tolist())))


@torch.inference_mode()
def score_pictures(
    model: PreTrainedModel, processor: BaseImageProcessor, pictures: Iterable[Pixels]
) -> Margins:
    """Fake logit minus real logit of each picture, shape (N,).

    Args:
        model: in evaluation mode.
        processor: of the model.
        pictures: (H, W, 3) uint8 RGB each, of any size; read a batch at a time.
    """
    rest = iter(pictures)
    parts = [
        to_margins(
            model(pixel_values=to_tensor(batch, processor).to(model.dtype)).logits.double().numpy()
        )
        for batch in iter(lambda: list(islice(rest, _BATCH)), [])
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def measure_whole(
    name: str, split: ScoredSplit, decision: Decision, seed: int
) -> dict[str, Measured]:
    """All of `measure_split`, `measure_sources` and `measure_people`."""
    return {
        **measure_split(name, split, decision, seed),
        **measure_sources(name, split, decision, seed),
        **measure_people(name, split, decision, seed),
    }


def measure_sources(
    name: str, split: ScoredSplit, decision: Decision, seed: int
) -> dict[str, Measured]:
    """False alarms, fakes and controls of each source, where reals come from several.

    Fakes that a source brought are those that others made; forgeries of its photos are not.

    - `<name>_false_alarms_<source>`: among its reals.
    - `<name>_auroc_<source>_against_reals`: does the score tell its reals from those of the others?
      For a detector of forgeries it is 0.5.
    - `<name>_auroc_<source>_within`: fakes it brought against its own reals, where nothing else
      differs.
    - `<name>_auroc_from_<source>`: fakes it brought against the reals of all.
    """
    table = split.pool.table.iloc[split.rows]
    sources = np.asarray(table["source"])
    is_real = split.labels != FAKE
    is_brought = ~is_real & np.asarray(table["seed"].isna())
    if len(set(sources[is_real])) < 2:
        return {}
    rank = Ranking(split.labels, split.margins)
    values: dict[str, Measured] = {}
    for source in sorted(set(sources)):
        is_own = sources == source
        tell = Ranking(is_own.astype(np.int64), split.margins)
        asked: dict[str, tuple[_Mask, Share | Ranking]] = {}
        if (is_own & is_real).any():
            asked[f"false_alarms_{source}"] = is_own & is_real, _share_called(split, decision)
            asked[f"auroc_{source}_against_reals"] = is_real, tell
            asked[f"auroc_{source}_within"] = is_own & (is_real | is_brought), rank
        asked[f"auroc_from_{source}"] = is_real | (is_own & is_brought), rank
        for what, (among, statistic) in asked.items():
            values |= _measure_part(f"{name}_{what}", statistic, among, split, seed)
    return values


def measure_people(
    name: str, split: ScoredSplit, decision: Decision, seed: int
) -> dict[str, Measured]:
    """False alarms among real photos and shams by sex, age band and skin tone.

    Values are named `<name>_false_alarms_<column>_<value>`; groups of too few people are left out.
    """
    is_real = split.labels != FAKE
    called = _share_called(split, decision)
    values: dict[str, Measured] = {}
    for column in _TRAITS:
        traits = np.asarray(split.pool.table[column])[split.rows]
        for value in sorted(set(traits[is_real])):
            among = is_real & (traits == value)
            named = f"{name}_false_alarms_{column}_{value}"
            values |= _measure_part(named, called, among, split, seed)
    return values


def _share_called(split: ScoredSplit, decision: Decision) -> Share:
    """The share that a verdict that may abstain calls fake."""
    calls = decision.to_scores(split.margins) >= decision.fake_from
    return Share(calls, np.ones(len(calls), bool))


def _measure_part(
    name: str, statistic: Share | Ranking, among: _Mask, split: ScoredSplit, seed: int
) -> dict[str, Measured]:
    part = np.flatnonzero(among)
    return measure_all({name: statistic.keep(part)}, split.groups[part], seed)


def measure_split(
    name: str, split: ScoredSplit, decision: Decision, seed: int
) -> dict[str, Measured]:
    """Every metric that these rows can give, and AUROC of each method against all reals.

    Intervals are over components. Values are named `<name>_<metric>` and `<name>_auroc_<method>`;
    those that the rows are too few for are left out.
    """
    scores = decision.to_scores(split.margins)
    whole = measure_decision(split.labels, scores, decision, split.groups, seed)
    values = {f"{name}_{metric}": value for metric, value in whole.items()}
    for method in split.pool.methods:
        known = split.keep(split.pool.rows_against(method))
        statistic = Ranking(known.labels, known.margins)
        measured = measure_all({f"{name}_auroc_{method}": statistic}, known.groups, seed)
        values |= measured
    return values
