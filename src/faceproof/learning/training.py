"""One training run: its settings, the Trainer put together, and what it reports."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol, cast

import numpy as np
from torch.utils.data import IterableDataset
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.errors import SettingsError
from faceproof.learning import checkpoints
from faceproof.learning.augmentation import RECIPES, Recipe
from faceproof.learning.backbones import freeze_start
from faceproof.learning.batches import (
    Ahead,
    Batch,
    Images,
    PhotoGroups,
    Treatment,
    collate,
    group_rows,
)
from faceproof.learning.calibrations import resize_input
from faceproof.learning.models import (
    FROM_CONFIG,
    Architecture,
    Kind,
    Seen,
    Weights,
    check_design,
    find_seen,
    hash_weights,
    make_model,
    round_weights,
)
from faceproof.learning.pixels import PixelStore
from faceproof.learning.pools import Pool, check_left_out
from faceproof.learning.processors import side_of
from faceproof.learning.scorers import Scorer
from faceproof.learning.supervision import Follow, Supervised, TellEpoch
from faceproof.records import UNSEEN_SPLITS, Split
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive, require_rate
from faceproof.storage import replacing

_EVALUATION_BATCH = 32  # images; memory, not results
_SELF_BLENDS = ("blend", "self_blend")  # the family and the method of online self-blends


@dataclass(frozen=True)
class TrainSettings:
    """One training run."""

    dataset: Path = field(metadata={"help": "dataset folder made by build_dataset.py"})
    output: Path = field(metadata={"help": "model folder to write"})
    work: Path = field(
        metadata={"help": "folder for checkpoints and logs; a run that validates may be stopped"}
    )
    cache: Path = field(
        metadata={"help": "folder for the decoded images, 4 bytes a pixel; shared by runs"}
    )
    results: Path = field(metadata={"help": "result file to write"})
    history: Path = field(metadata={"help": "JSON lines of loss and validation metrics by epoch"})
    figure: Path = field(metadata={"help": "PNG of loss and validation AUROC to write"})
    data: str | None = field(
        default=None,
        metadata={
            "help": "store to stream training images from, s3://... or a folder; "
            "validation and test stay those of `dataset`"
        },
    )
    view: Path | None = field(
        default=None, metadata={"help": "view of `data` to train on; else its split train"}
    )
    init: str = field(
        default=FROM_CONFIG,
        metadata={
            "help": "Hub id or folder to fine-tune; `lite0`: the pretrained backbone that is "
            "installed here; `config`: from scratch"
        },
    )
    frozen_blocks: int = field(
        default=0,
        metadata={"help": "blocks of a pretrained network that stay as they are, with the stem"},
    )
    kind: Kind = field(default="convnextv2", metadata={"help": "network made from scratch"})
    depths: list[int] = field(
        default_factory=lambda: [1, 1, 2, 1], metadata={"help": "blocks by stage"}
    )
    hidden_sizes: list[int] = field(
        default_factory=lambda: [16, 32, 64, 128], metadata={"help": "channels by stage"}
    )
    stem_pixels: int = field(default=4, metadata={"help": "side of the patches the stem cuts"})
    side_pixels: int = field(
        default=0, metadata={"help": "side of the input; 0: the training faces' own, their median"}
    )
    epochs: int = field(default=20, metadata={"help": "passes over the training photos, at most"})
    patience: int = field(
        default=5,
        metadata={"help": "stop after so many epochs without a better AUROC; 0 validates never"},
    )
    validation_images: int = field(
        default=1000, metadata={"help": "drawn to be looked at after each epoch, at most"}
    )
    crop_pixels: int = field(
        default=64, metadata={"help": "side of the training crops, native scale; 0 for whole faces"}
    )
    batch: int = field(default=8, metadata={"help": "photos a step and process"})
    images_of_each: int = field(
        default=3, metadata={"help": "of a photo's reals and of its fakes, drawn each time"}
    )
    learning_rate: float = field(default=1e-3, metadata={"help": "peak of AdamW's cosine schedule"})
    weight_decay: float = field(default=0.05, metadata={"help": "of AdamW"})
    mask_weight: float = field(
        default=1.0, metadata={"help": "of the mask head's loss beside the label's; 0 for none"}
    )
    decay: float = field(
        default=0.98, metadata={"help": "of the running mean of the weights, a step; 0 for none"}
    )
    augment: Recipe = field(
        default="degradation",
        metadata={"help": "what training images go through; wild wants crop_pixels 0"},
    )
    leave_out: str | None = field(
        default=None,
        metadata={"help": "family, method or source that training and validation never see"},
    )
    error_rate: float = field(
        default=0.05,
        metadata={"help": "share of validation reals that may be called fake, and fakes real"},
    )
    bf16: bool = field(
        default=False, metadata={"help": "mixed precision; pays for a ViT on CPUs that have it"}
    )
    device: Literal["cpu", "auto"] = field(
        default="cpu", metadata={"help": "auto: a GPU where there is one"}
    )
    weights: Weights = field(default="fp32", metadata={"help": "how they are saved"})
    report_to: Literal["none", "tensorboard", "trackio"] = field(
        default="none", metadata={"help": "where losses and metrics are logged beside `history`"}
    )
    read_test: bool = field(
        default=True, metadata={"help": "measure test at the end; off for a try among others"}
    )
    seed: int = field(default=0, metadata={"help": "of weights, order, augmentation, intervals"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "epochs", "batch", "stem_pixels", "images_of_each")
        require_positive(self, "validation_images")
        if self.view is not None and self.data is None:
            raise SettingsError("a view is of a store; give --data too")
        check_design(self.depths, self.hidden_sizes, self.kind)
        for name in ("patience", "side_pixels", "crop_pixels", "mask_weight", "frozen_blocks"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{name} is {getattr(self, name)}; it must be 0 or more")
        if self.frozen_blocks and self.init == FROM_CONFIG:
            raise SettingsError("frozen_blocks is of a pretrained network; give init too")
        if not self.learning_rate > 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if not 0 <= self.decay < 1:
            raise SettingsError(f"decay is {self.decay}; it must be from 0 to below 1")
        require_rate(self, "error_rate")
        if self.has_crops and RECIPES[self.augment].smallest_cut < 1:
            raise SettingsError(
                f"augment {self.augment} cuts squares of its own; give crop_pixels 0"
            )
        if 0 < self.side_pixels < self.crop_pixels:
            raise SettingsError(
                f"crop_pixels {self.crop_pixels} exceeds side_pixels {self.side_pixels}"
            )

    def design(self, faces: PixelStore) -> Architecture:
        """The network made when `init` is `config`, for faces of this size."""
        depths, sizes = tuple(self.depths), tuple(self.hidden_sizes)
        side = self.side_pixels or faces.median_side()
        return Architecture(depths, sizes, self.stem_pixels, side, self.kind)

    @property
    def measured(self) -> tuple[Split, ...]:
        """The splits that the trained model is measured on."""
        return UNSEEN_SPLITS if self.read_test else UNSEEN_SPLITS[:1]

    @property
    def has_crops(self) -> bool:
        """Whether this network takes native crops; the others take whole faces."""
        return self.init == FROM_CONFIG and self.kind == "convnextv2" and self.crop_pixels > 0

    @property
    def treatment(self) -> Treatment:
        """What training images go through.

        Online self-blends are forgeries of the family `blend`: where that is left out, or the
        method itself, there are none.
        """
        policy = RECIPES[self.augment]
        if self.leave_out in _SELF_BLENDS:
            policy = replace(policy, self_blends=0.0)
        return Treatment(
            policy=policy,
            images_of_each=self.images_of_each,
            crop_pixels=self.crop_pixels if self.has_crops else None,
            epochs=self.epochs,
            seed=self.seed,
        )


class Stream(Protocol):
    """Ready batches of one epoch after another; every rank has its own."""

    fingerprint: str

    def __len__(self) -> int:
        """Batches of an epoch."""

    def __iter__(self) -> Iterator[Batch]:
        """One epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Begin another one."""


OpenStream = Callable[["TrainSettings", Mapping[Split, Pool], BaseImageProcessor], Stream]


class PrefetchingTrainer(Trainer):  # type: ignore[misc]  # transformers is not read by mypy
    """Batches are made ready one ahead."""

    def get_train_dataloader(self) -> "Ahead | Stream":
        """The Trainer's own loader, hurried; a stream is a loader already."""
        if isinstance(self.train_dataset, IterableDataset):
            return cast(Stream, self.train_dataset)
        return Ahead(super().get_train_dataloader())


@dataclass(frozen=True)
class Fitted:
    """A trained classifier, its processor and how the training went."""

    model: PreTrainedModel
    processor: BaseImageProcessor
    history: list[dict[str, float]]
    facts: Mapping[str, Scalar]


def fit(
    run: TrainSettings, pools: Mapping[Split, Pool], scorer: Scorer | None = None,
    open_stream: OpenStream | None = None,
) -> Fitted:  # fmt: skip
    """Train a classifier; the best by validation AUROC, or the last where nothing is validated.

    A run that was stopped goes on from its last checkpoint in `run.work`.

    Args:
        run: the settings.
        pools: train and validation are looked at, test is not.
        scorer: of validation; may be None where `run.patience` is 0.
        open_stream: opens what `run.data` names.

    Raises:
        ModelError: `run.init` holds no image classifier.
        SettingsError: what is left out is not there, or leaves nothing to train on; `run.init` has
            seen more than this run may, or does not take `run.side_pixels`.
    """
    if run.leave_out is not None:
        check_left_out(run.leave_out, pools["train"])
    set_seed(run.seed)
    model, processor = make_model(run.init, run.design(pools["train"].images))
    _check_seen(find_seen(model.config), run, pools["train"].fingerprint)
    if run.side_pixels not in (0, side_of(processor)):
        resize_input(model, processor, run.side_pixels)
    freeze_start(model, run.frozen_blocks)
    photos: PhotoGroups | Stream
    if run.data is None or open_stream is None:
        photos, fingerprint = make_training(run, pools["train"], processor), ""
    else:
        photos = open_stream(run, pools, processor)
        fingerprint = photos.fingerprint
    trainer = PrefetchingTrainer(
        model=Supervised(model, side_of(processor), run.mask_weight, run.decay),
        args=make_arguments(run),
        train_dataset=photos,
        eval_dataset=_make_validation(run, pools["validation"], processor),
        data_collator=collate,
        compute_metrics=scorer,
        callbacks=[TellEpoch(photos), Follow(), *_stop_early(run)],
    )
    inputs = pools["train"].fingerprint + fingerprint + hash_weights(run.init)
    made_from = checkpoints.describe(run, inputs, trainer.args.world_size)
    checkpoint = checkpoints.find(run.work, made_from)
    if trainer.is_world_process_zero():
        checkpoints.claim(run.work, made_from, checkpoint)
    done = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    supervised: Supervised = trainer.accelerator.unwrap_model(trainer.model)
    facts: dict[str, Scalar] = {
        "epochs_run": round(trainer.state.epoch or 0, 2),
        "steps_run": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "processes": trainer.args.world_size,
        "trained_on": trainer.args.device.type,
        "seconds_since_start": done.metrics["train_runtime"],
        "parameters": supervised.trained.num_parameters(),
    }
    model = round_weights(supervised.trained.eval().cpu(), run.weights)
    return Fitted(model, processor, trainer.state.log_history, facts)


def _check_seen(seen: Seen | None, run: TrainSettings, fingerprint: str) -> None:
    """Refuse a backbone that may know what this run is judged by."""
    if seen is None:
        return
    if seen.dataset != fingerprint:
        raise SettingsError(
            f"{run.init} was pretrained on another dataset, whose people may be tested here; "
            "pretrain it on this one"
        )
    if run.leave_out not in (None, seen.left_out):
        raise SettingsError(
            f"{run.init} was pretrained with {run.leave_out}; pretrain it with --leave_out too"
        )


def make_training(run: TrainSettings, pool: Pool, processor: BaseImageProcessor) -> PhotoGroups:
    """Photos to train on, of the rows that the run may see.

    Raises:
        SettingsError: no photo has both labels left, or a face is smaller than the crops.
    """
    groups = group_rows(pool.table, pool.rows_without(run.leave_out))
    if not groups:
        raise SettingsError("no photo has both reals and fakes; there is nothing to train on")
    smallest = pool.images.smallest_side()
    if run.crop_pixels > smallest:
        raise SettingsError(f"crop_pixels {run.crop_pixels} exceeds the smallest face, {smallest}")
    return PhotoGroups(groups, pool.images, processor, run.treatment)


def _make_validation(run: TrainSettings, pool: Pool, processor: BaseImageProcessor) -> Images:
    """Rows drawn at random, at most `validation_images`."""
    rows = pool.rows_without(run.leave_out)
    shuffled = np.random.default_rng(run.seed).permutation(len(rows))[: run.validation_images]
    return Images(rows[np.sort(shuffled)].tolist(), pool.images, pool.labels, processor)


def make_arguments(run: TrainSettings) -> TrainingArguments:
    """The Trainer's arguments: on the CPU, nothing sent anywhere unless it is asked for."""
    interval = "epoch" if run.patience else "no"
    return TrainingArguments(
        output_dir=str(run.work),
        num_train_epochs=run.epochs,
        per_device_train_batch_size=run.batch,
        per_device_eval_batch_size=_EVALUATION_BATCH,
        learning_rate=run.learning_rate,
        weight_decay=run.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=0.1,  # below 1: a share of all steps
        eval_strategy=interval,
        save_strategy=interval,
        logging_strategy="epoch",
        load_best_model_at_end=bool(run.patience),
        metric_for_best_model="auroc" if run.patience else None,
        greater_is_better=True if run.patience else None,
        save_total_limit=1,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        use_cpu=run.device == "cpu",
        bf16=run.bf16,
        seed=run.seed,
        report_to=run.report_to,
        disable_tqdm=not run.patience,
    )


def _stop_early(run: TrainSettings) -> list[EarlyStoppingCallback]:
    return [EarlyStoppingCallback(early_stopping_patience=run.patience)] if run.patience else []


def write_history(log_history: list[dict[str, float]], path: Path) -> None:
    """Write loss and validation metrics by epoch as JSON lines, as the Trainer logged them."""
    with replacing(path) as partial:
        partial.write_text("".join(json.dumps(entry) + "\n" for entry in log_history))
