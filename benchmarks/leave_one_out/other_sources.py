"""The winner away from home: other sources, worse images, real photos that look odd."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from benchmarks.leave_one_out.axes import Pools, Values
from benchmarks.leave_one_out.cells import Cell
from benchmarks.leave_one_out.protocol import MAIN, ProtocolSettings, read_places
from faceproof.console import progress
from faceproof.data.faces import Crop, find_largest
from faceproof.data.images import Pixels, decode
from faceproof.data.inputs.archives import open_archive
from faceproof.data.inputs.labels import code_of
from faceproof.data.inputs.walks import ImageFile
from faceproof.detector.calibration import Decision, Margins
from faceproof.detector.evaluation import average, list_statistics, measure_all
from faceproof.detector.models import WEIGHTS, load_model
from faceproof.errors import ImageError
from faceproof.intervals import FEWEST_GROUPS
from faceproof.metrics import Labels, Rows, auroc
from faceproof.records import FAKE, ROLES
from faceproof.storage import claim_folder, hash_file, replacing
from faceproof.training.augmentation import Augment, Recipe
from faceproof.training.corruptions import HARD_REALS, HELD_OUT, REENCODED, STRESSES
from faceproof.training.evaluation import score_pictures, score_split
from faceproof.training.splits import LoadedSplit

_STRESSED = 3  # one component of test in so many: a ladder has many rungs
_PHOTO = ROLES.index("real")
_AS_IS = "as_is"
_SHOWN = ("auroc", "accuracy", "coverage", "false_alarms")


@dataclass(frozen=True)
class Trained:
    """A model of an in-domain cell; its name ends in a hash of its weights."""

    name: str
    model: PreTrainedModel
    processor: BaseImageProcessor
    decision: Decision

    def calls_fake(self, margins: Margins) -> NDArray[np.bool_]:
        """Where the forced verdict is fake, shape (N,)."""
        return self.decision.force(self.decision.to_scores(margins))


@dataclass(frozen=True)
class Labelled:
    """What is true of some images: labels and components, both of shape (N,)."""

    labels: Labels
    groups: NDArray[np.str_]


def load_winners(run: ProtocolSettings, winner: Recipe, source: str) -> list[Trained]:
    """The in-domain models of a source, one a seed."""
    cells = [Cell(source, winner, None, run.seed + number) for number in range(run.seeds)]
    places = [run.work / "cells" / f"{cell.name}.model" for cell in cells]
    return [
        Trained(f"{cell.name}-{hash_file(place / WEIGHTS)[:8]}", *load_model(str(place)))
        for cell, place in zip(cells, places, strict=True)
    ]


def measure_stresses(run: ProtocolSettings, pools: Pools, winner: Recipe) -> Values:
    """Every rung and tier: AUROC, and how many forced verdicts flip; on a third of the people."""
    test, models = pools["test"], load_winners(run, winner, MAIN)
    rows = _choose_rows(test)
    plain = _score_each(run, models, test, rows, (_AS_IS, None))
    values: Values = {
        "stress_images": len(rows),
        "stress_held_out": ", ".join(HELD_OUT),
        "stress_reencoded": REENCODED,
    }
    values |= _measure(f"stress_{_AS_IS}", models, _labelled(test, rows), plain, run.seed)
    for name, change in progress(STRESSES.items(), "stresses", "kinds", len(STRESSES)):
        margins = _score_each(run, models, test, rows, (name, change))
        values |= _measure(f"stress_{name}", models, _labelled(test, rows), margins, run.seed)
        flips = [
            model.calls_fake(one) != model.calls_fake(old)
            for one, old, model in zip(margins, plain, models, strict=True)
        ]
        statistic = {f"stress_{name}_flips": partial(_mean_share, np.stack(flips))}
        values |= measure_all(statistic, test.groups[rows], run.seed)
    return values


def measure_hard_reals(run: ProtocolSettings, pools: Pools, winner: Recipe) -> Values:
    """False alarms of the verdict that may abstain, on real photos made to look odd."""
    test, models = pools["test"], load_winners(run, winner, MAIN)
    rows = _choose_rows(test)
    photos = rows[np.asarray(test.table["role"])[rows] == _PHOTO]
    values: Values = {}
    for name, change in {_AS_IS: None, **HARD_REALS}.items():
        margins = _score_each(run, models, test, photos, (f"photos-{name}", change))
        alarms = [
            model.decision.to_scores(one) >= model.decision.fake_from
            for one, model in zip(margins, models, strict=True)
        ]
        statistic = {f"hard_{name}_false_alarms": partial(_mean_share, np.stack(alarms))}
        values |= measure_all(statistic, test.groups[photos], run.seed)
    return values


def _choose_rows(test: LoadedSplit) -> Rows:
    names = np.unique(test.groups)
    # An interval needs some groups of photos too.
    step = max(1, min(_STRESSED, len(names) // (4 * FEWEST_GROUPS)))
    return np.flatnonzero(np.isin(test.groups, names[::step]))


def _score_each(
    run: ProtocolSettings,
    models: Sequence[Trained],
    pool: LoadedSplit,
    rows: Rows,
    stress: tuple[str, Augment | None],
) -> list[Margins]:
    """Margins of each model, kept on disk: a ladder that was stopped goes on."""
    name, change = stress
    return [
        _keep(
            run.work / "stresses" / f"{one.name}-{name}.npy",
            partial(_score, one, pool, rows, change),
        )
        for one in models
    ]


def _score(one: Trained, pool: LoadedSplit, rows: Rows, change: Augment | None) -> Margins:
    return score_split(one.model, one.processor, pool, rows, change).margins


def _keep(place: Path, compute: Callable[[], Margins]) -> Margins:
    if not place.is_file():
        computed = compute()
        claim_folder(place.parent)
        with replacing(place) as unfinished, unfinished.open("wb") as sink:
            np.save(sink, computed)
    kept: Margins = np.load(place)
    return kept


def _mean_share(hits: NDArray[np.bool_], rows: Rows) -> float:
    return float(hits[:, rows].mean())


def _labelled(pool: LoadedSplit, rows: Rows) -> Labelled:
    return Labelled(pool.labels[rows], pool.groups[rows])


def _measure(
    name: str, models: Sequence[Trained], truth: Labelled, margins: Sequence[Margins], seed: int
) -> Values:
    statistics = [
        list_statistics(truth.labels, model.decision.to_scores(one), model.decision)
        for one, model in zip(margins, models, strict=True)
    ]
    chosen = {
        f"{name}_{metric}": statistic
        for metric, statistic in average(statistics).items()
        if metric in _SHOWN
    }
    return dict(measure_all(chosen, truth.groups, seed))


def measure_transfer(run: ProtocolSettings, pools: Mapping[str, Pools], winner: Recipe) -> Values:
    """Trained on one source, tested on another; and on folders of faces nobody trained on.

    Beside each foreign set stands a control: the AUROC with which the score tells its real images
    from the home set's real images. Where that is far from 0.5, the score sees the source.
    """
    values: Values = {}
    others = {name: _read_faces(path) for name, path in read_places(run.others).items()}
    values |= {f"faces_{name}_left_out": faces.left_out for name, faces in others.items()}
    for home in run.datasets:
        models = load_winners(run, winner, home)
        away = {name: _gather(one["test"]) for name, one in pools.items() if name != home}
        own = _gather(pools[home]["test"]).keep_reals()
        calm = [score_pictures(one.model, one.processor, own.pictures()) for one in models]
        for name, faces in {**away, **others}.items():
            margins = [score_pictures(one.model, one.processor, faces.pictures()) for one in models]
            prefix = f"from_{home}_to_{name}"
            values |= _measure(prefix, models, faces.truth, margins, run.seed)
            values |= _control(prefix, (own.truth, calm), (faces.truth, margins), run.seed)
    return values


def _control(
    name: str,
    home: tuple[Labelled, Sequence[Margins]],
    away: tuple[Labelled, Sequence[Margins]],
    seed: int,
) -> Values:
    """Real against real: 0.5 where the score does not see the source; above, theirs look fake."""
    is_real = away[0].labels != FAKE
    if not is_real.any():
        return {}
    sides = np.repeat([0, 1], [len(home[0].labels), int(is_real.sum())])
    joined = [np.append(own, one[is_real]) for own, one in zip(home[1], away[1], strict=True)]
    groups = np.append(home[0].groups, np.char.add("away ", away[0].groups[is_real]))

    def rank(rows: Rows) -> float:
        return float(np.mean([auroc(sides[rows], one[rows]) for one in joined]))

    return dict(measure_all({f"{name}_control": rank}, groups, seed))


@dataclass(frozen=True)
class OtherFaces:
    """Faces to be scored, read again each time, and what is true of them.

    `left_out` counts images that could not be read or in which no face was found.
    """

    read: Sequence[Callable[[], Pixels]]
    truth: Labelled
    left_out: int = 0

    def pictures(self) -> Iterator[Pixels]:
        """Each face, (H, W, 3) uint8 RGB."""
        return (read() for read in self.read)

    def keep_reals(self) -> "OtherFaces":
        """The real ones alone."""
        kept = np.flatnonzero(self.truth.labels != FAKE)
        truth = Labelled(self.truth.labels[kept], self.truth.groups[kept])
        return OtherFaces([self.read[row] for row in kept.tolist()], truth)


def _gather(pool: LoadedSplit) -> OtherFaces:
    rows = np.arange(len(pool.table))
    return OtherFaces(
        [partial(pool.images.image, row) for row in rows.tolist()], _labelled(pool, rows)
    )


def _read_faces(path: Path) -> OtherFaces:
    """The largest face of every image whose truth is known; images without one are left out."""
    archive = open_archive(path)
    known = [image for image in archive.images if image.name in archive.truth]
    faces, labels, groups = [], [], []
    for image in progress(known, f"faces of {path.name}", "images", len(known)):
        try:
            pixels = decode(image.read())
            faces.append(partial(_cut, image, find_largest(pixels)))
        except ImageError:
            continue
        labels.append(code_of(archive.truth[image.name].label))
        groups.append(archive.truth[image.name].group)
    truth = Labelled(np.array(labels, np.int64), np.array(groups, np.str_))
    return OtherFaces(faces, truth, left_out=len(known) - len(faces))


def _cut(image: ImageFile, crop: Crop) -> Pixels:
    return crop.cut(decode(image.read()))
