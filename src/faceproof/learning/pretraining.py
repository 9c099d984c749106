"""Pretraining without labels: a network made from scratch learns what a pretrained one sees.

Why: a few thousand photos do not teach a network to see. A small network that first learns to give
the features of one that saw ImageNet, on the faces that it will be trained on, starts further on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel, TrainingArguments, set_seed
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import SettingsError
from faceproof.learning import checkpoints
from faceproof.learning.augmentation import RECIPES, Policy, Recipe
from faceproof.learning.backbones import open_lite0
from faceproof.learning.batches import Batch, collate, draw_square
from faceproof.learning.models import FROM_CONFIG, Architecture, Kind, make_model
from faceproof.learning.pixels import PixelStore
from faceproof.learning.pools import Pool, check_left_out
from faceproof.learning.processors import side_of, to_tensor
from faceproof.learning.supervision import TellEpoch, to_map
from faceproof.learning.training import PrefetchingTrainer
from faceproof.metrics import Measured, Rows, measure
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive

_MEASURED_AT_ONCE = 32  # images; memory, not results


@dataclass(frozen=True)
class PretrainSettings:
    """One pretraining run."""

    dataset: Path = field(metadata={"help": "dataset folder made by build_dataset.py"})
    output: Path = field(metadata={"help": "folder to write, for `train.py --init`"})
    work: Path = field(metadata={"help": "folder for checkpoints; a run may be stopped"})
    cache: Path = field(metadata={"help": "folder for the decoded images, 4 bytes a pixel"})
    results: Path = field(metadata={"help": "result file to write"})
    history: Path = field(metadata={"help": "JSON lines of the loss by epoch to write"})
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
    augment: Recipe = field(default="wild", metadata={"help": "what images go through"})
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
        require_positive(self, "epochs", "batch", "stem_pixels", "side_pixels", "measured_images")
        if len(self.depths) != len(self.hidden_sizes):
            raise SettingsError("depths and hidden_sizes must name the same number of stages")
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")

    @property
    def design(self) -> Architecture:
        """The network that learns."""
        depths, sizes = tuple(self.depths), tuple(self.hidden_sizes)
        return Architecture(depths, sizes, self.stem_pixels, self.side_pixels, self.kind)


class Faces(torch.utils.data.Dataset[Batch]):
    """One item per image, treated as training images are, without its label."""

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


class Distilled(nn.Module):
    """A network that learns to give the feature maps of a teacher, wherever both have one.

    The last map of each size is compared, the teacher's by channels of mean 0 and deviation 1, as
    a linear map makes it of the student's. The mean squared error is then the share of the
    teacher's variance that stays unexplained: 0 all is given, 1 nothing but the mean.

    Source: hints of FitNets (Romero et al. 2015); standardised targets after Wei et al. 2022.
    """

    gain: Tensor
    shift: Tensor

    def __init__(
        self, model: PreTrainedModel, processor: BaseImageProcessor,
        teacher: PreTrainedModel, teacher_processor: BaseImageProcessor,
    ) -> None:  # fmt: skip
        """Take the classifier whose backbone learns, and the one it learns from, each with its own.

        Raises:
            SettingsError: they have no map of one size.
        """
        super().__init__()
        self.student = model.base_model
        self.teacher = teacher.base_model.eval().requires_grad_(False)
        for name, value in zip(
            ("gain", "shift"), _translate(processor, teacher_processor), strict=True
        ):
            self.register_buffer(name, value, persistent=False)
        side = side_of(processor)
        given, wanted = self._look(torch.zeros(1, 3, side, side))
        self.sides = sorted(set(given) & set(wanted))
        if not self.sides:
            raise SettingsError(
                f"its maps have the sides {sorted(given)}, the teacher's {sorted(wanted)}; "
                "choose stem_pixels or side_pixels so that one is the same"
            )
        channels = [(given[one].shape[1], wanted[one].shape[1]) for one in self.sides]
        self.heads = nn.ModuleList(nn.Conv2d(own, asked, 1) for own, asked in channels)
        for weights in self.heads.parameters():  # to begin with the mean, which leaves all
            nn.init.zeros_(weights)
        self.scales = nn.ModuleList(  # no momentum: statistics of all steps, few or many
            nn.BatchNorm2d(asked, momentum=None, affine=False) for _, asked in channels
        )

    def train(self, mode: bool = True) -> "Distilled":
        """As any module, but the teacher stays as it is."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """The loss, and of each image the unexplained share by size of the maps, shape (N, sides).

        Args:
            pixel_values: (N, 3, H, W) float32, as the student's processor gives them.
        """
        given, wanted = self._look(pixel_values.contiguous(memory_format=torch.channels_last))
        errors = [
            (head(given[side]) - scale(wanted[side])).square().mean(dim=(1, 2, 3))
            for side, head, scale in zip(self.sides, self.heads, self.scales, strict=True)
        ]
        unexplained = torch.stack(errors, dim=1)
        return {"loss": unexplained.mean(), "unexplained": unexplained}

    def _look(self, pixel_values: Tensor) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        given = self.student(pixel_values=pixel_values, output_hidden_states=True)
        with torch.no_grad():
            translated = pixel_values * self.gain + self.shift
            wanted = self.teacher(pixel_values=translated, output_hidden_states=True)
        return _list_maps(given.hidden_states), _list_maps(wanted.hidden_states)


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
        SettingsError: what is left out is not there, or no map can be compared.
    """
    if run.leave_out is not None:
        check_left_out(run.leave_out, pool)
    set_seed(run.seed)
    model, processor = make_model(FROM_CONFIG, run.design)
    distilled = Distilled(model, processor, *open_lite0(run.side_pixels))
    faces = Faces(
        pool.rows_without(run.leave_out), pool.images, processor, RECIPES[run.augment], run.seed
    )
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


@torch.inference_mode()
def measure_unexplained(
    pretrained: Pretrained, pool: Pool, run: PretrainSettings
) -> dict[str, Measured]:
    """The share of the teacher's variance that is not given, by size of the maps, whole faces."""
    rng = np.random.default_rng(run.seed)
    rows = rng.permutation(pool.rows_without(run.leave_out))[: run.measured_images]
    shares = np.concatenate(
        [
            pretrained.distilled(_read(pool, part, pretrained.processor))["unexplained"].numpy()
            for part in np.split(rows, range(_MEASURED_AT_ONCE, len(rows), _MEASURED_AT_ONCE))
        ]
    )
    return {
        f"unexplained_side_{side}": measure(partial(_average, own), pool.groups[rows], run.seed)
        for side, own in zip(pretrained.distilled.sides, shares.T, strict=True)
    }


def _average(values: NDArray[np.float32], drawn: Rows) -> float:
    return float(values[drawn].mean())


def _read(pool: Pool, rows: Rows, processor: BaseImageProcessor) -> Tensor:
    return to_tensor([pool.images.image(row) for row in rows.tolist()], processor)


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


def _list_maps(hidden: Sequence[Tensor]) -> dict[int, Tensor]:
    """The last map of each size, by its side."""
    return {one.shape[-1]: one for one in map(to_map, hidden)}


def _translate(own: BaseImageProcessor, other: BaseImageProcessor) -> tuple[Tensor, Tensor]:
    """Gain and shift, (3, 1, 1) each, from what one processor gives to what another would."""
    mean, deviation, other_mean, other_deviation = (
        torch.tensor(values).view(-1, 1, 1)
        for values in (own.image_mean, own.image_std, other.image_mean, other.image_std)
    )
    return deviation / other_deviation, (mean - other_mean) / other_deviation
