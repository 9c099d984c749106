"""Pretraining without labels: a network made from scratch learns what a pretrained one sees.

Why: a few thousand photos do not teach a network to see. A small network that first learns to give
the features of one that saw ImageNet, on the faces that it will be trained on, starts further on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, TrainingArguments, set_seed
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import SettingsError
from faceproof.learning import checkpoints
from faceproof.learning.augmentation import RECIPES, Policy, Recipe
from faceproof.learning.backbones import open_lite0
from faceproof.learning.batches import Batch, collate, draw_square
from faceproof.learning.distillations import Distilled, measure_unexplained
from faceproof.learning.models import FROM_CONFIG, Architecture, Kind, check_design, make_model
from faceproof.learning.pixels import PixelStore
from faceproof.learning.pools import Pool, check_left_out
from faceproof.learning.processors import to_tensor
from faceproof.learning.supervision import TellEpoch
from faceproof.learning.training import PrefetchingTrainer
from faceproof.metrics import Measured, Rows
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive

_MEASURED_AT_ONCE = 32  # images; memory, not results
_SMALLEST_SIDE = 64  # pixels: the teacher's last maps have then two places a side


@dataclass(frozen=True)
class PretrainSettings:
    """One pretraining run."""

    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    output: Path = field(
        metadata={"help": "folder to write, for `train.py --init`", "place": "replaced"}
    )
    work: Path = field(
        metadata={"help": "folder for checkpoints; a run may be stopped", "place": "folder"}
    )
    cache: Path = field(
        metadata={"help": "folder for the decoded images, 4 bytes a pixel", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    history: Path = field(
        metadata={"help": "JSON lines of the loss by epoch to write", "place": "file"}
    )
    kind: Kind = field(default="convnextv2", metadata={"help": "network made from scratch"})
    depths: list[int] = field(
        default_factory=lambda: [1, 1, 2, 1], metadata={"help": "blocks by stage"}
    )
    hidden_sizes: list[int] = field(
        default_factory=lambda: [16, 32, 64, 128], metadata={"help": "channels by stage"}
    )
    stem_pixels: int = field(default=4, metadata={"help": "side of the patches the stem cuts"})
    side_pixels: int = field(default=160, metadata={"help": "side of the input"})
    epochs: int = field(default=5, metadata={"help": "passes over the training images"})
    batch: int = field(default=32, metadata={"help": "images a step and process"})
    learning_rate: float = field(default=1e-3, metadata={"help": "peak of AdamW's cosine schedule"})
    weight_decay: float = field(default=0.05, metadata={"help": "of AdamW"})
    augment: Recipe = field(
        default="wild",
        metadata={"help": "what images go through; online self-blends are not drawn"},
    )
    leave_out: str | None = field(
        default=None,
        metadata={"help": "family, method or source that is not looked at; as in train.py"},
    )
    measured_images: int = field(
        default=1000, metadata={"help": "of validation, drawn to be measured at the end, at most"}
    )
    seed: int = field(default=0, metadata={"help": "of weights, order, augmentation, intervals"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "epochs", "batch", "stem_pixels", "measured_images")
        check_design(self.depths, self.hidden_sizes, self.kind)
        if self.side_pixels < _SMALLEST_SIDE:
            raise SettingsError(
                f"side_pixels is {self.side_pixels}; it must be {_SMALLEST_SIDE} or more"
            )
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")

    @property
    def design(self) -> Architecture:
        """The network that learns."""
        depths, sizes = tuple(self.depths), tuple(self.hidden_sizes)
        return Architecture(depths, sizes, self.stem_pixels, self.side_pixels, self.kind)


class Faces(torch.utils.data.Dataset[Batch]):
    """One item per image, cut, mirrored and degraded by a policy, without its label."""

    def __init__(
        self, rows: Rows, store: PixelStore, processor: BaseImageProcessor, policy: Policy,
        seed: int,
    ) -> None:  # fmt: skip
        """Take some rows of a split, its images, and the processor of the network that learns."""
        self._rows, self._store, self._processor = rows, store, processor
        self._policy, self._seed = policy, seed
        self._epoch = 0

    def __len__(self) -> int:
        """Number of images."""
        return len(self._rows)

    def set_epoch(self, epoch: int) -> None:
        """New draws."""
        self._epoch = epoch

    def __getitem__(self, index: int) -> Batch:
        """One image as a batch of one; what is drawn depends on seed, epoch and image only."""
        rng = np.random.default_rng([self._seed, self._epoch, index])
        pixels = self._store.image(int(self._rows[index]))
        side = round(rng.uniform(self._policy.smallest_cut, 1.0) * min(pixels.shape[:2]))
        pixels = pixels[draw_square(pixels.shape[:2], side, rng)]
        if self._policy.is_mirrored and rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        treated = self._policy.apply(np.ascontiguousarray(pixels), rng)
        return {"pixel_values": to_tensor([treated], self._processor)}


@dataclass(frozen=True)
class Pretrained:
    """What learned, with its head still to be trained, and how it went."""

    model: PreTrainedModel
    processor: BaseImageProcessor
    distilled: Distilled
    history: list[dict[str, float]]
    facts: Mapping[str, Scalar]


def pretrain(run: PretrainSettings, pool: Pool) -> Pretrained:
    """Learn the features that EfficientNet-lite0 has of the images of a split.

    A run that was stopped goes on from its last checkpoint in `run.work`.

    Raises:
        SettingsError: what is left out is not there or leaves nothing, or the maps do not fit.
    """
    if run.leave_out is not None:
        check_left_out(run.leave_out, pool)
    set_seed(run.seed)
    model, processor = make_model(FROM_CONFIG, run.design)
    distilled = Distilled(model, processor, *open_lite0(run.side_pixels))
    faces = Faces(_list_rows(run, pool), pool.images, processor, RECIPES[run.augment], run.seed)
    trainer = PrefetchingTrainer(
        model=distilled,
        args=_make_arguments(run),
        train_dataset=faces,
        data_collator=collate,
        callbacks=[TellEpoch(faces)],
    )
    made_from = checkpoints.describe(run, pool.fingerprint, trainer.args.world_size)
    checkpoint = checkpoints.find(run.work, made_from)
    if trainer.is_world_process_zero():
        checkpoints.claim(run.work, made_from, checkpoint)
    done = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    facts: dict[str, Scalar] = {
        "images": len(faces),
        "epochs_run": round(trainer.state.epoch or 0, 2),
        "steps_run": trainer.state.global_step,
        "processes": trainer.args.world_size,
        "seconds_since_start": done.metrics["train_runtime"],
        "parameters": model.num_parameters(),
    }
    return Pretrained(model.eval(), processor, distilled.eval(), trainer.state.log_history, facts)


def measure(pretrained: Pretrained, pool: Pool, run: PretrainSettings) -> dict[str, Measured]:
    """How much of the teacher's features is not given, of images drawn from another split.

    Raises:
        SettingsError: without what is left out there are none.
    """
    rows = np.random.default_rng(run.seed).permutation(_list_rows(run, pool))
    pixels = _read(pool, rows[: run.measured_images], pretrained.processor)
    groups = pool.groups[rows[: run.measured_images]]
    return measure_unexplained(pretrained.distilled, pixels, groups, run.seed)


def _list_rows(run: PretrainSettings, pool: Pool) -> Rows:
    rows = pool.rows_without(run.leave_out)
    if not len(rows):
        raise SettingsError(f"without {run.leave_out} there are no images to learn from")
    return rows


def _read(pool: Pool, rows: Rows, processor: BaseImageProcessor) -> Iterator[Tensor]:
    """Whole images, some at once."""
    for part in np.split(rows, range(_MEASURED_AT_ONCE, len(rows), _MEASURED_AT_ONCE)):
        yield to_tensor([pool.images.image(row) for row in part.tolist()], processor)


def _make_arguments(run: PretrainSettings) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(run.work),
        num_train_epochs=run.epochs,
        per_device_train_batch_size=run.batch,
        learning_rate=run.learning_rate,
        weight_decay=run.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=0.1,  # below 1: a share of all steps
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=1,
        remove_unused_columns=False,
        use_cpu=True,
        seed=run.seed,
        report_to="none",
    )
