"""Everything that is measured of a scored split, also by source of the images and by person."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceproof.errors import SettingsError
from faceproof.learning.decisions import Decision
from faceproof.learning.measuring import (
    ScoredSplit,
    Statistic,
    measure_all,
    measure_split,
    on_rows,
)
from faceproof.learning.stresses import STRESSES
from faceproof.metrics import Measured, Rows, auroc
from faceproof.records import FAKE, UNSEEN_SPLITS
from faceproof.results import Size

_TRAITS = ("sex", "age_band", "skin_tone")

_Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class MeasureSettings:
    """One measuring of a finished model."""

    model: Path = field(metadata={"help": "model folder", "place": "input"})
    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    cache: Path = field(
        metadata={"help": "folder for the decoded images, 4 bytes a pixel", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    splits: list[str] = field(
        default_factory=lambda: list(UNSEEN_SPLITS), metadata={"help": "validation, test"}
    )
    sources: list[str] = field(
        default_factory=list,
        metadata={
            "help": "only photos of these sources, what was made of them, and fakes they brought; "
            "empty: all. For a model that learned from another split of the rest"
        },
    )
    stresses: list[str] = field(
        default_factory=list,
        metadata={"help": f"also after each of these changes, of {', '.join(STRESSES)}"},
    )
    seed: int = field(default=0, metadata={"help": "of the intervals' bootstrap"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse splits that a model may have learned from, and changes that are not known."""
        if not self.splits:
            raise SettingsError(f"no splits are named; there are {', '.join(UNSEEN_SPLITS)}")
        for name, known in (("splits", UNSEEN_SPLITS), ("stresses", STRESSES)):
            unknown = sorted(set(getattr(self, name)) - set(known))
            if unknown:
                raise SettingsError(f"{name} are {', '.join(known)}, not {', '.join(unknown)}")


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
    rank = partial(on_rows, auroc, split.labels, split.margins)
    values: dict[str, Measured] = {}
    for source in sorted(set(sources)):
        is_own = sources == source
        tell = partial(on_rows, auroc, is_own.astype(np.int64), split.margins)
        asked: dict[str, tuple[_Mask, Statistic]] = {}
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


def _share_called(split: ScoredSplit, decision: Decision) -> Statistic:
    """The share that a verdict that may abstain calls fake."""
    calls = decision.to_scores(split.margins) >= decision.fake_from
    return lambda rows: float(calls[rows].mean())


def _measure_part(
    name: str, statistic: Statistic, among: _Mask, split: ScoredSplit, seed: int
) -> dict[str, Measured]:
    part = np.flatnonzero(among)
    return measure_all({name: partial(_on_part, statistic, part)}, split.groups[part], seed)


def _on_part(statistic: Statistic, part: Rows, rows: Rows) -> float:
    return statistic(part[rows])
