"""What a training run needs beside the Trainer: settings, arguments, the numbers it reports."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import evaluate
import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from transformers import EvalPrediction, Trainer, TrainingArguments
from transformers.trainer_utils import PredictionOutput

from faceproof.errors import SettingsError
from faceproof.learning.calibration import to_margins, to_scores
from faceproof.learning.models import FROM_CONFIG, Architecture, Decision
from faceproof.metrics import Labels, Measured, Rows, accuracy, auroc, measure
from faceproof.records import FAKE
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive
from faceproof.storage import replacing

_EVALUATION_BATCH = 32  # images; memory, not results


@dataclass(frozen=True)
class TrainSettings:
    """One training run."""

    dataset: Path = field(metadata={"help": "dataset folder made by build_dataset.py"})
    output: Path = field(metadata={"help": "model folder to write"})
    work: Path = field(metadata={"help": "folder for the Trainer's checkpoints"})
    results: Path = field(metadata={"help": "result file to write"})
    history: Path = field(metadata={"help": "JSON lines of loss and validation metrics by epoch"})
    figure: Path = field(metadata={"help": "PNG of loss and validation AUROC to write"})
    init: str = field(
        default=FROM_CONFIG,
        metadata={"help": "Hub id or folder to fine-tune, or `config`: from scratch"},
    )
    depths: list[int] = field(
        default_factory=lambda: [1, 1, 2, 1], metadata={"help": "ConvNeXtV2 blocks by stage"}
    )
    hidden_sizes: list[int] = field(
        default_factory=lambda: [16, 32, 64, 128], metadata={"help": "ConvNeXtV2 channels by stage"}
    )
    stem_pixels: int = field(default=4, metadata={"help": "side of the patches the stem cuts"})
    side_pixels: int = field(
        default=92, metadata={"help": "side of the input; the faces' own scale"}
    )
    epochs: int = field(default=20, metadata={"help": "passes over the training images, at most"})
    patience: int = field(
        default=5, metadata={"help": "stop after so many epochs without a better AUROC"}
    )
    crop_pixels: int = field(
        default=64, metadata={"help": "side of the training crops, native scale"}
    )
    batch: int = field(
        default=8, metadata={"help": "photos a step and process, each with its sham and fakes"}
    )
    learning_rate: float = field(default=1e-3, metadata={"help": "peak of AdamW's cosine schedule"})
    weight_decay: float = field(default=0.05, metadata={"help": "of AdamW"})
    augment: bool = field(default=True, metadata={"help": "degrade training images at random"})
    seed: int = field(default=0, metadata={"help": "of weights, order, augmentation, intervals"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "epochs", "patience", "batch", "stem_pixels", "crop_pixels")
        if len(self.depths) != len(self.hidden_sizes):
            raise SettingsError("depths and hidden_sizes must name the same number of stages")
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if self.side_pixels < self.crop_pixels:
            raise SettingsError(
                f"crop_pixels {self.crop_pixels} exceeds side_pixels {self.side_pixels}"
            )

    @property
    def architecture(self) -> Architecture:
        """The network made when `init` is `config`."""
        depths, sizes = tuple(self.depths), tuple(self.hidden_sizes)
        return Architecture(depths, sizes, self.stem_pixels, self.side_pixels)


def make_arguments(run: TrainSettings) -> TrainingArguments:
    """The Trainer's arguments: best checkpoint by validation AUROC, CPU, nothing sent anywhere."""
    return TrainingArguments(
        output_dir=str(run.work),
        num_train_epochs=run.epochs,
        per_device_train_batch_size=run.batch,
        per_device_eval_batch_size=_EVALUATION_BATCH,
        learning_rate=run.learning_rate,
        weight_decay=run.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=0.1,  # below 1: a share of all steps
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="auroc",
        greater_is_better=True,
        save_total_limit=1,
        remove_unused_columns=False,
        use_cpu=True,
        seed=run.seed,
        report_to="none",
    )


def make_scorer(metric_script: Path) -> Callable[[EvalPrediction], dict[str, float]]:
    """The Trainer's `compute_metrics`, through the local `evaluate` metric."""
    metric = evaluate.load(str(metric_script), keep_in_memory=True)

    def score(outputs: EvalPrediction) -> dict[str, float]:
        margins = to_margins(np.asarray(outputs.predictions))
        computed = metric.compute(predictions=margins, references=outputs.label_ids)
        return {name: float(value) for name, value in (computed or {}).items()}

    return score


@dataclass(frozen=True)
class ScoredSplit:
    """A split as the model saw it, row by row, all of shape (N,).

    `margins` are fake logit minus real logit; `groups` name the component, `methods` what was done.
    """

    labels: Labels
    margins: NDArray[np.float64]
    groups: NDArray[np.str_]
    methods: NDArray[np.str_]


def collect(output: PredictionOutput, rows: Dataset) -> ScoredSplit:
    """Put the output of `Trainer.predict` beside what is known of the rows it was made from."""
    return ScoredSplit(
        labels=np.asarray(rows["label"], np.int64),
        margins=to_margins(np.asarray(output.predictions)),
        groups=np.asarray(rows["component_id"]),
        methods=np.asarray(rows["method"]),
    )


def measure_split(
    name: str, split: ScoredSplit, decision: Decision, seed: int
) -> dict[str, Measured]:
    """Accuracy and AUROC of one split, and AUROC of each method against all reals.

    Intervals are over components; values are named `<name>_accuracy`, `<name>_auroc` and
    `<name>_auroc_<method>`.
    """
    scores = to_scores(split.margins, decision.temperature)

    def auroc_over(chosen: Rows) -> Measured:
        labels, kept = split.labels[chosen], scores[chosen]
        return measure(lambda rows: auroc(labels[rows], kept[rows]), split.groups[chosen], seed)

    values = {
        f"{name}_auroc": auroc_over(np.arange(len(scores))),
        f"{name}_accuracy": measure(
            lambda rows: accuracy(split.labels[rows], scores[rows], decision.threshold),
            split.groups,
            seed,
        ),
    }
    for method in np.unique(split.methods[split.labels == FAKE]):
        chosen = np.flatnonzero((split.labels != FAKE) | (split.methods == method))
        values[f"{name}_auroc_{method}"] = auroc_over(chosen)
    return values


def describe_run(trainer: Trainer, decision: Decision) -> dict[str, Scalar]:
    """How the run went: epochs, best step, processes, parameters, temperature and threshold."""
    return {
        "epochs_run": round(trainer.state.epoch or 0, 2),
        "steps_run": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "processes": trainer.args.world_size,
        "parameters": trainer.model.num_parameters(),
        "temperature": decision.temperature,
        "threshold": decision.threshold,
    }


def write_history(log_history: list[dict[str, float]], path: Path) -> None:
    """Write loss and validation metrics by epoch as JSON lines, as the Trainer logged them."""
    with replacing(path) as partial:
        partial.write_text("".join(json.dumps(entry) + "\n" for entry in log_history))
