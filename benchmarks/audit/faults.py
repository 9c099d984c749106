"""The audit, audited: does it find planted faults, and does it leave sound classifiers alone?"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  # its usual name
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from benchmarks.audit.planted_sets import COHORT, MEANT_FOR, SHORTCUTS, Fault, build_evidence
from benchmarks.workers import run_tasks
from faceproof.audit.audits import run_checks
from faceproof.audit.cases import Question, open_case
from faceproof.audit.checks import CHECKS
from faceproof.audit.classifiers import Classifier
from faceproof.audit.evidence import Evidence
from faceproof.data.checks.findings import Outcome
from faceproof.data.images import Pixels
from faceproof.detector.calibration import calibrate
from faceproof.metrics import Measured
from faceproof.results import Scalar, Size, read_commit
from faceproof.settings import require_positive
from faceproof.storage import claim_folder, replacing
from faceproof.training.augmentation import Augment
from faceproof.training.corruptions import HARD_REALS, TIERS

logger = logging.getLogger(__name__)

_SIDE = 92
_BANDS = (0.8, 1.6, 3.2)  # pixels: fine, middle and coarse detail
_WIDER, _TAPS = 1.6, 21  # ratio of the two Gaussians of a band; side of their kernels, pixels
_TO_OPPONENTS = ((0.299, 0.587, 0.114), (0.5, -0.419, -0.081), (-0.169, -0.331, 0.5))
_DIM_BELOW = 80.0  # mean level under which one planted classifier guesses
_VAGUE = 10.0  # temperature over the spread of the margins: all scores are near 0.5
_IMAGES = 160
FAIL: Outcome = "fail"


@dataclass(frozen=True)
class Design:
    """How a classifier of the bench is made: which features, how regularised, how much seen."""

    strength: float = 0.1
    has_places: bool = True
    share: float = 1.0
    is_augmented: bool = True


SOUND: Mapping[str, Design] = {
    "sound_plain": Design(),
    "sound_strict": Design(strength=0.03),
    "sound_loose": Design(strength=1.0),
    "sound_textures": Design(has_places=False),
    "sound_half": Design(share=0.6),
}


@dataclass(frozen=True)
class FaultSettings:
    """The bench of planted faults."""

    work: Path = field(
        metadata={
            "help": "folder for the outcome of each audit; runs go on there",
            "place": "folder",
        }
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    seeds: int = field(default=20, metadata={"help": "times that each classifier is made"})
    processes: int = field(default=2, metadata={"help": "audits at a time, a thread each"})
    seed: int = field(default=1000, metadata={"help": "the first; lower ones were developed on"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "seeds", "processes")


class FilterBank:
    """Fixed filters, pooled over the picture; what a linear head sees."""

    def __init__(self, design: Design) -> None:
        """Make the filters."""
        self._design = design
        self._gains = [_measure_gain(width) for width in _BANDS]
        self._opponents = torch.tensor(_TO_OPPONENTS)

    def prepare(self, pictures: Sequence[Pixels]) -> Tensor:
        """Pictures as levels 0 to 255, (N, 3, 92, 92) float32."""
        fitted = [
            cv2.resize(one, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)
            if one.shape[:2] != (_SIDE, _SIDE)
            else one
            for one in pictures
        ]
        return torch.from_numpy(np.stack(fitted)).permute(0, 3, 1, 2).float()

    def measure(self, values: Tensor) -> Tensor:
        """Features, shape (N, D)."""
        opponents = torch.einsum("kc,nchw->nkhw", self._opponents, values)
        planes = opponents.flatten(0, 1).numpy()
        bands = np.stack([_filter(plane, self._gains) for plane in planes])
        energy = torch.from_numpy(bands).view(len(opponents), -1, _SIDE, _SIDE)
        local = torch.log(F.avg_pool2d(energy, 11, 5) + 0.5).flatten(2)
        parts = [local.amax(2), local.mean(2), local.amin(2), local.amax(2) - local.mean(2)]
        if self._design.has_places:
            grid = F.adaptive_avg_pool2d(opponents, 4).flatten(1)
            sides = (opponents[..., :2, :], opponents[..., :, :2])
            parts += [grid, *(one.mean(dim=(2, 3)) for one in sides)]
        return torch.cat(parts, dim=1)


def _filter(plane: NDArray[np.float32], gains: Sequence[float]) -> NDArray[np.float32]:
    """Absolute differences of Gaussians, a band each, (bands, H, W); OpenCV is fast at these."""
    bands = zip(_BANDS, gains, strict=True)
    return np.stack(
        [np.abs(_blur(plane, width) - _blur(plane, _WIDER * width)) / gain for width, gain in bands]
    )


def _blur(plane: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (_TAPS, _TAPS), width), np.float32)


def _measure_gain(width: float) -> float:
    """The absolute sum of a difference of Gaussians."""
    narrow, wide = (cv2.getGaussianKernel(_TAPS, one) for one in (width, _WIDER * width))
    return float(np.abs(narrow @ narrow.T - wide @ wide.T).sum())


def make_classifier(
    name: str, evidence: Evidence, design: Design, fault: Fault | None, seed: int
) -> Classifier:
    """A filter bank with a linear head, trained in seconds, calibrated on validation.

    Args:
        name: of the classifier.
        evidence: planted data with train and validation.
        design: how it is made.
        fault: one that lies in the classifier itself is planted here.
        seed: of the augmentation.
    """
    bank = FilterBank(design)
    rng = np.random.default_rng(seed)
    train = evidence.rows_of("train")
    train = train[: round(design.share * len(train))]
    pictures = [evidence.picture(int(row)) for row in train]
    labels = evidence.labels[train]
    if design.is_augmented:
        pictures, labels = _degrade(pictures, labels, rng)
    head = make_pipeline(StandardScaler(), LogisticRegression(C=design.strength, max_iter=2000))
    head.fit(_measure(bank, pictures), labels)
    scaler, linear = head[0], head[1]
    weights = torch.tensor(linear.coef_[0] / scaler.scale_, dtype=torch.float32)
    bias = float(linear.intercept_[0] - (linear.coef_[0] / scaler.scale_) @ scaler.mean_)

    def forward(values: Tensor) -> Tensor:
        margins = bank.measure(values) @ weights + bias
        return _guess_where_dim(values, margins) if fault == "subgroup_failure" else margins

    classifier = Classifier(name, bank.prepare, forward)
    rows = evidence.rows_of("validation")
    margins = classifier.score(evidence.picture(int(row)) for row in rows)
    decision = calibrate(evidence.labels[rows], margins, 0.05)
    if fault == "miscalibration":
        temperature = _VAGUE * float(margins.std())
        decision = replace(decision, temperature=temperature, threshold=0.5)
    return replace(classifier, decision=decision)


def _degrade(
    pictures: list[Pixels], labels: NDArray[np.int64], rng: np.random.Generator
) -> tuple[list[Pixels], NDArray[np.int64]]:
    """Every picture once more, changed by a kind that is drawn; neighbours are of one photo."""
    kinds: list[Augment] = [*TIERS.values(), *HARD_REALS.values()]
    drawn = rng.integers(len(kinds), size=len(pictures) // 2 + 1)
    changed = [
        kinds[int(drawn[number // 2])](one, np.random.default_rng(number // 2))
        for number, one in enumerate(pictures)
    ]
    return pictures + changed, np.concatenate([labels, labels])


def _measure(bank: FilterBank, pictures: Sequence[Pixels]) -> NDArray[np.float64]:
    starts = range(0, len(pictures), 64)
    parts = [bank.measure(bank.prepare(pictures[start : start + 64])) for start in starts]
    return torch.cat(parts).double().numpy()


def _guess_where_dim(values: Tensor, margins: Tensor) -> Tensor:
    """Noise that is always the same for the same picture, where the picture is dim."""
    noise = 4 * torch.sin(values.sum(dim=(1, 2, 3)) * 12.9898)
    return torch.where(values.mean(dim=(1, 2, 3)) < _DIM_BELOW, noise, margins)


def list_classifiers() -> dict[str, Fault | None]:
    """Every classifier of the bench and its fault; None for the sound."""
    return {name: name for name in MEANT_FOR} | dict.fromkeys(SOUND)


def audit_one(name: str, seed: int) -> dict[str, Outcome]:
    """Make one classifier and its data, audit it; the outcome of every check by code."""
    fault = list_classifiers()[name]
    design = SOUND.get(name, Design(is_augmented=fault not in SHORTCUTS))
    evidence = build_evidence(fault, seed)
    classifier = make_classifier(name, evidence, design, fault, seed)
    case = open_case(evidence, classifier, None, Question(_IMAGES, (COHORT,), seed))
    return {finding.code: finding.outcome for finding in run_checks(case)}


def run_bench(run: FaultSettings) -> None:
    """Audit every classifier in every seed, some at a time; what is done is not done again."""
    claim_folder(run.work)
    missing = [
        (name, seed)
        for seed in range(run.seed, run.seed + run.seeds)
        for name in list_classifiers()
        if not locate(run.work, name, seed).is_file()
    ]
    logger.info("%d audits are still to be run", len(missing))
    commit, is_dirty = read_commit()
    mark = commit[:12] + "+" * is_dirty
    tasks = [(run.work, name, seed, mark) for name, seed in missing]
    run_tasks(_work, tasks, run.processes, "auditing", "audits")


def _work(work: Path, name: str, seed: int, commit: str) -> None:
    logging.disable(logging.WARNING)
    outcomes = audit_one(name, seed)
    document = {"commit": commit, "outcomes": outcomes}
    with replacing(locate(work, name, seed)) as partial:
        partial.write_text(json.dumps(document))


def locate(work: Path, name: str, seed: int) -> Path:
    """Where the outcomes of one audit are kept, with the commit that made them."""
    return work / f"{name}-{seed}.json"


def measure_bench(run: FaultSettings) -> dict[str, Measured | Scalar]:
    """Detection by fault, failures of every check on sound classifiers, and fault by check.

    `<fault>_detection_rate` is of the check meant for it, `<fault>_<check>_rate` of every check,
    `<check>_false_fail_rate` over all sound audits, `sound_rate` the share of sound audits without
    any failure, `sound_<outcome>_mean` how many checks of one have that outcome. Intervals are
    exact (Clopper and Pearson 1934), over seeds: the sound classifiers of one seed share its images
    and count as one.
    """
    seeds = range(run.seed, run.seed + run.seeds)
    files = {
        name: [json.loads(locate(run.work, name, seed).read_text()) for seed in seeds]
        for name in list_classifiers()
    }
    read: dict[str, list[dict[str, Outcome]]] = {
        name: [one["outcomes"] for one in audits] for name, audits in files.items()
    }
    sound = [outcomes for name in SOUND for outcomes in read[name]]
    values: dict[str, Measured | Scalar] = {
        "seeds": run.seeds, "first_seed": run.seed, "sound_classifiers": len(SOUND),
        "commits": " ".join(sorted({one["commit"] for audits in files.values() for one in audits})),
    }  # fmt: skip
    for fault, code in MEANT_FOR.items():
        values[f"{fault}_meant_for"] = code
        values[f"{fault}_detection_rate"] = _share(_fails(read[fault], code), run.seeds)
        for one in CHECKS:
            values[f"{fault}_{one}_rate"] = sum(_fails(read[fault], one)) / run.seeds
    for code in CHECKS:
        values[f"{code}_false_fail_rate"] = _share(_fails(sound, code), run.seeds)
    clean = [FAIL not in outcomes.values() for outcomes in sound]
    values["sound_rate"] = _share(clean, run.seeds)
    for outcome in ("pass", "underpowered", "not_applicable"):
        counts = [[*outcomes.values()].count(outcome) for outcomes in sound]
        values[f"sound_{outcome}_mean"] = float(np.mean(counts))
    for name in SOUND:
        clean = [FAIL not in outcomes.values() for outcomes in read[name]]
        values[f"{name}_rate"] = _share(clean, run.seeds)
    return values


def _fails(audits: Sequence[Mapping[str, Outcome]], code: str) -> list[bool]:
    return [outcomes[code] == FAIL for outcomes in audits]


def _share(hits: Sequence[bool], seeds: int) -> Measured:
    """The share of hits, its interval as if there were as many audits as seeds."""
    share = sum(hits) / len(hits)
    found, missed = share * seeds, (1 - share) * seeds
    low = float(beta.ppf(0.025, found, missed + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, missed)) if missed else 1.0
    return Measured(share, len(hits), low, high)
