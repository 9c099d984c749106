"""How long an audit takes, and how much memory, as the images grow in number."""

import csv
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import datasets
import numpy as np
from datasets import Dataset
from scipy.special import expit

from benchmarks.audit.planted_sets import build_splits
from benchmarks.workers import run_tasks
from faceproof.audit.audits import examine, measure_classifier, run_checks, write_report
from faceproof.audit.classifiers import Classifier, open_classifier
from faceproof.audit.settings import AuditSettings
from faceproof.console import progress
from faceproof.data.images import decode, decode_mask, encode_jpeg, encode_mask
from faceproof.data.tables import image_name
from faceproof.errors import SettingsError
from faceproof.records import SPLITS
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive
from faceproof.storage import claim_folder, fresh_folder, replacing

_SIDE = 224  # pixels of the images that are audited
_TEST = "test"
_SKILL = 1.5  # logits between the labels' scores, in standard deviations of them
_CARD = """---
configs:
- config_name: default
  data_files:
  - {split: train, path: train-0.parquet}
  - {split: validation, path: validation-0.parquet}
  - {split: test, path: "test-*.parquet"}
---
"""


@dataclass(frozen=True)
class GrowthSettings:
    """What is timed."""

    model: str = field(metadata={"help": "image classifier that is audited", "place": "input"})
    work: Path = field(
        metadata={"help": "folder for the images; those that are there are used", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    sizes: list[int] = field(
        default_factory=lambda: [1000, 10000, 100000], metadata={"help": "test images audited"}
    )
    largest_scored: int = field(
        default=10000, metadata={"help": "above it only predictions are audited, not the model"}
    )
    processes: int = field(default=2, metadata={"help": "that make images; an audit has one"})
    seed: int = field(default=0, metadata={"help": "of the images"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "processes")
        if min(self.sizes, default=0) < 1:
            raise SettingsError("sizes must be 1 or more")


@dataclass(frozen=True)
class Spent:
    """Of one audit: seconds in all and of the classifier alone, and the peak of memory."""

    seconds: float
    seconds_classifier: float
    peak_bytes: int


def time_audits(run: GrowthSettings) -> dict[str, Scalar]:
    """Seconds and memory of audits with the classifier and with its predictions, by size.

    Each audit has a process of its own.
    """
    values: dict[str, Scalar] = {"side": _SIDE}
    for size in progress(run.sizes, "timing audits", "sizes", len(run.sizes)):
        folder = _lay_out(run, size)
        output = run.work / f"report_{size}"
        base = AuditSettings(data=str(folder), output=output, seed=run.seed)
        asked_by = {"predictions": replace(base, predictions=folder / "predictions.csv")}
        if size <= run.largest_scored:
            asked_by["model"] = replace(base, model=run.model)
        for name, asked in asked_by.items():
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, context) as pool:
                spent = pool.submit(_audit, asked).result()
            values |= {f"{name}_{key}_{size}": value for key, value in asdict(spent).items()}
    return values


def _audit(asked: AuditSettings) -> Spent:
    """All that the command does but drawing the page, its classifier's share apart."""
    datasets.disable_progress_bars()
    start = time.perf_counter()
    shares: list[float] = []
    classifier = None if asked.model is None else _watch(open_classifier(asked.model), shares)
    case = examine(asked, classifier)
    findings = run_checks(case)
    write_report(case, findings, measure_classifier(case), asked.output)
    return Spent(time.perf_counter() - start, sum(shares), _read_peak())


def _read_peak() -> int:
    """Most bytes this process ever held; `getrusage` may tell its parent's instead."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def _watch(classifier: Classifier, shares: list[float]) -> Classifier:
    """The same classifier; the seconds of each call are added to a list."""

    def timed(call: Callable[[Any], Any], given: Any) -> Any:  # passed on
        start = time.perf_counter()
        result = call(given)
        shares.append(time.perf_counter() - start)
        return result

    return replace(
        classifier,
        prepare=partial(timed, classifier.prepare),
        forward=partial(timed, classifier.forward),
    )


def _lay_out(run: GrowthSettings, size: int) -> Path:
    """A dataset folder with so many test images, and predictions for them."""
    folder = run.work / f"images_{size}_{run.seed}"
    if (folder / "README.md").is_file():
        return folder
    claim_folder(run.work)
    fresh_folder(folder, {".parquet", ".csv"})
    made = claim_folder(run.work / f"rounds_{run.seed}")
    each = len(build_splits(None, run.seed)[_TEST])
    rounds = range(-(-size // each))
    missing = [(made, run.seed, one) for one in rounds if not _locate(made, _TEST, one).is_file()]
    run_tasks(_make_round, missing, run.processes, "making images", "rounds")
    for split, one in [("train", 0), ("validation", 0), *((_TEST, one) for one in rounds[:-1])]:
        os.link(_locate(made, split, one), _locate(folder, split, one))
    last = Dataset.from_parquet(str(_locate(made, _TEST, rounds[-1])), keep_in_memory=True)
    last.select(range(size - each * rounds[-1])).to_parquet(_locate(folder, _TEST, rounds[-1]))
    _predict(folder, run.seed)
    (folder / "README.md").write_text(_CARD)  # last: it says that the rest is there
    return folder


def _locate(folder: Path, split: str, number: int) -> Path:
    return folder / f"{split}-{number}.parquet"


def _make_round(folder: Path, seed: int, number: int) -> None:
    """The planted set once more, as other people: other colours, forgeries and names."""
    splits = build_splits(None, seed + number, people_seed=seed)
    for split in SPLITS if number == 0 else (_TEST,):
        renamed = splits[split].map(partial(_rename, number=number), load_from_cache_file=False)
        with replacing(_locate(folder, split, number)) as partial_file:
            renamed.to_parquet(partial_file)


def _rename(row: dict[str, Any], number: int) -> dict[str, Any]:
    pixels = cv2.resize(decode(row["image"]["bytes"]), (_SIDE, _SIDE))
    row["image"] = {"bytes": encode_jpeg(np.asarray(pixels, np.uint8), 90, 0), "path": None}
    if row["mask"] is not None:
        mask = cv2.resize(decode_mask(row["mask"]["bytes"]), (_SIDE, _SIDE))
        row["mask"] = {"bytes": encode_mask(np.asarray(mask, np.uint8)), "path": None}
    for name in ("image_id", "pair_id", "component_id", "identity_id"):
        row[name] = f"{row[name]}-{number}"
    row["parent_ids"] = [f"{one}-{number}" for one in row["parent_ids"]]
    return row


def _predict(folder: Path, seed: int) -> None:
    """Scores of some skill for all images, as a classifier's predictions would be."""
    rng = np.random.default_rng(seed)
    with (folder / "predictions.csv").open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["image", "score"])
        for path in sorted(folder.glob("*.parquet")):
            if path.name.startswith("train"):
                continue
            rows = Dataset.from_parquet(str(path), keep_in_memory=True)
            scores = expit(rng.normal(_SKILL * (2 * np.array(rows["label"]) - 1)))
            names = [image_name(one) for one in rows["image_id"]]
            writer.writerows(zip(names, scores.tolist(), strict=True))
