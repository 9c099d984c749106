"""How fast prediction and training are, side by side with what stock code does.

Each way of predicting lives in a process of its own, so that none profits from another's settings;
passes alternate between them, the first of each is not counted.
"""

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import pipeline

from faceproof.console import progress
from faceproof.data.faces import find_largest
from faceproof.data.images import Pixels, decode
from faceproof.data.inputs.archives import open_archive
from faceproof.detector.predict import Detector, Tally
from faceproof.detector.preprocessing import side_of
from faceproof.detector.settings import Precision
from faceproof.errors import ImageError, InputError
from faceproof.memory import keep_freed_memory
from faceproof.metrics import auroc
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive
from faceproof.training.batches import Ahead, Batch, collate
from faceproof.training.mask_head import Supervised
from faceproof.training.settings import read_arguments
from faceproof.training.splits import load_splits
from faceproof.training.trainer import make_training, open_model

_STOCK = "pipeline"
_OURS: Mapping[str, tuple[Precision, bool]] = {  # precision, and whether faces are found first
    "fp32": ("fp32", False),
    "bf16": ("bf16", False),
    "fp32_aligned": ("fp32", True),
}
_BATCH, _WORKERS = 8, 2  # the defaults of predict.py


@dataclass(frozen=True)
class SpeedSettings:
    """What is timed."""

    model: Path = field(
        metadata={"help": "model folder, exported by training/export.py", "place": "input"}
    )
    faces: Path = field(
        metadata={"help": "folder or zip of cropped faces with known truth", "place": "input"}
    )
    recipe: Path = field(
        metadata={"help": "training recipe whose steps are timed", "place": "input"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    images: int = field(default=400, metadata={"help": "faces in a pass"})
    passes: int = field(default=5, metadata={"help": "of each way, counted; one more warms up"})
    steps: int = field(default=20, metadata={"help": "training steps of each kind in a pass"})
    seed: int = field(default=0, metadata={"help": "of the training steps"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "images", "passes", "steps")


def time_predictions(run: SpeedSettings) -> dict[str, Scalar]:
    """Images per second of each way, and ratios to the pipeline pass by pass: medians."""
    seconds: dict[str, list[float]] = {name: [] for name in (_STOCK, *_OURS)}
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        images = _write_faces(run, Path(folder))
        workers = {name: stack.enter_context(ProcessPoolExecutor(1, context)) for name in seconds}
        turns = [(turn, name) for turn in range(run.passes + 1) for name in seconds]
        for turn, name in progress(turns, "predicting", "passes", len(turns)):
            took = workers[name].submit(_pass_once, name, str(run.model), folder).result()
            if turn > 0:
                seconds[name].append(took)
    values: dict[str, Scalar] = {"predict_images": images, "predict_passes": run.passes}
    for name, times in seconds.items():
        values[f"images_per_second_{name}"] = images / statistics.median(times)
        ratios = [stock / own for stock, own in zip(seconds[_STOCK], times, strict=True)]
        values |= _summarise(f"speedup_{name}", ratios)
    return values


def _summarise(name: str, values: list[float]) -> dict[str, Scalar]:
    return {
        name: statistics.median(values),
        f"{name}_low": min(values),
        f"{name}_high": max(values),
        f"{name}_n": len(values),
    }


def _write_faces(run: SpeedSettings, folder: Path) -> int:
    """The faces as files of their own: what both ways can read; round again if they are few."""
    faces = open_archive(run.faces).images
    for number, face in enumerate(islice(cycle(faces), run.images)):
        (folder / f"{number:05d}.jpg").write_bytes(face.read())
    return run.images


def _pass_once(name: str, model: str, folder: str) -> float:
    predict = _open_way(name, model)
    start = time.perf_counter()
    predict(Path(folder))
    return time.perf_counter() - start


@cache
def _open_way(name: str, model: str) -> Callable[[Path], None]:
    """Kept by its process from pass to pass: loading is not timed."""
    if name == _STOCK:
        return partial(_predict_stock, pipeline("image-classification", model=model, device="cpu"))
    keep_freed_memory()
    precision, is_aligned = _OURS[name]
    return partial(_predict_ours, Detector(model, is_aligned, precision=precision))


def _predict_stock(classify: Callable[[list[str]], object], folder: Path) -> None:
    classify([str(path) for path in sorted(folder.iterdir())])


def _predict_ours(detector: Detector, folder: Path) -> None:
    for _ in detector.predict(open_archive(folder).images, _BATCH, _WORKERS):
        pass


def time_detection(run: SpeedSettings) -> dict[str, Scalar]:
    """Milliseconds to look for the face in one image, on one core, found or not."""
    pictures = [decode(one.read()) for one in open_archive(run.faces).images[: run.images]]
    _look_for_face(pictures[0])  # networks load at first use
    took = []
    for picture in pictures:
        start = time.perf_counter()
        _look_for_face(picture)
        took.append(1000 * (time.perf_counter() - start))
    return {
        "detection_milliseconds": statistics.median(took),
        "detection_milliseconds_p95": float(np.percentile(took, 95)),
        "detection_images": len(took),
    }


def _look_for_face(picture: Pixels) -> None:
    with suppress(ImageError):  # there is none: looking took as long
        find_largest(picture)


def measure_precisions(run: SpeedSettings) -> dict[str, Scalar]:
    """What faster arithmetic changes: AUROC, the largest move of a score, verdicts that flip."""
    archive = open_archive(run.faces)
    if not archive.truth:
        raise InputError(f"{run.faces} does not say what is real and fake")
    scores, values = {}, dict[str, Scalar]()
    for precision in ("fp32", "bf16"):
        detector = Detector(str(run.model), is_aligned=False, precision=precision)
        tally = Tally(archive.truth)
        for _ in tally.watch(detector.predict(archive.images, _BATCH, _WORKERS)):
            pass
        labels, scores[precision], _ = tally.known()
        values[f"auroc_{precision}"] = auroc(labels, scores[precision])
        moved = np.abs(scores[precision] - scores["fp32"])
        threshold = detector.decision.threshold
        flips = (scores[precision] >= threshold) != (scores["fp32"] >= threshold)
        values[f"largest_move_{precision}"] = float(moved.max())
        values[f"flips_{precision}"] = float(flips.mean())
    return {**values, "auroc_images": len(scores["fp32"])}


def time_training(run: SpeedSettings) -> dict[str, Scalar]:
    """A training step with its loader against the same step on a batch that is there already."""
    base = read_arguments(None, ["--config", str(run.recipe)])
    pools = load_splits(Path(base.data.dataset), base.cache_dir)
    torch.manual_seed(run.seed)
    model, processor = open_model(base, pools["train"].images)
    data = make_training(base, pools["train"], processor)
    weight, decay = base.model.mask_weight, base.model.ema_decay
    supervised = Supervised(model, side_of(processor), weight, decay).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=base.training.learning_rate)
    images = base.training.per_device_train_batch_size
    stock = DataLoader(data, data.count_photos(images), shuffle=True, collate_fn=collate)
    step = partial(_step, supervised, optimizer)
    whole, bare = [], []
    for turn in progress(range(run.passes + 1), "training", "passes", run.passes + 1):
        batches: list[Batch] = []
        # The loader is stopped before the same batches are learned from once more without it.
        fed = _time_steps(step, islice(Ahead(stock), run.steps + 1), batches)
        alone = _time_steps(step, iter(batches), [])
        if turn > 0:
            whole.append(fed)
            bare.append(alone)
    ratios = [fed / alone - 1 for fed, alone in zip(whole, bare, strict=True)]
    return {
        "step_images": images,
        "step_milliseconds": 1000 * statistics.median(whole),
        "bare_step_milliseconds": 1000 * statistics.median(bare),
        **_summarise("loader_overhead", ratios),
    }


def _time_steps(
    step: Callable[[Batch], None], batches: Iterator[Batch], kept: list[Batch]
) -> float:
    """Seconds a step, the first left out: nothing was made ready before it."""
    started = 0.0
    for batch in batches:
        step(batch)
        kept.append(batch)
        started = started or time.perf_counter()
    return (time.perf_counter() - started) / (len(kept) - 1)


def _step(supervised: Supervised, optimizer: torch.optim.Optimizer, batch: Batch) -> None:
    optimizer.zero_grad()
    supervised(**batch)["loss"].backward()
    optimizer.step()
    supervised.follow()
