"""One training run: the Trainer put together, and what it reports."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import evaluate
import numpy as np
from torch.utils.data import IterableDataset
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PreTrainedModel,
    Trainer,
    TrainingArguments,
    set_seed,
)
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.detector.calibration import to_margins, to_scores
from faceproof.detector.models import (
    Architecture,
    hash_weights,
    make_model,
    round_weights,
)
from faceproof.detector.preprocessing import side_of
from faceproof.errors import SettingsError
from faceproof.records import Split
from faceproof.results import Scalar
from faceproof.storage import GENERATOR, replacing
from faceproof.training import checkpoints
from faceproof.training.batches import (
    Ahead,
    Batch,
    Images,
    PhotoGroups,
    collate,
    group_rows,
    plan_treatment,
)
from faceproof.training.mask_head import Follow, Supervised, TellEpoch
from faceproof.training.pixel_cache import PixelStore
from faceproof.training.recalibration import resize_input
from faceproof.training.settings import TrainSettings
from faceproof.training.splits import LoadedSplit, check_left_out

_EVALUATION_BATCH = 32  # images; memory, not results


class Stream(Protocol):
    """Ready batches of one epoch after another; every rank has its own."""

    fingerprint: str

    def __len__(self) -> int:
        """Batches of an epoch."""

    def __iter__(self) -> Iterator[Batch]:
        """One epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Begin another one."""


Scorer = Callable[[EvalPrediction], dict[str, float]]
OpenStream = Callable[[TrainSettings, Mapping[Split, LoadedSplit], BaseImageProcessor], Stream]


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
    run: TrainSettings, pools: Mapping[Split, LoadedSplit], scorer: Scorer | None = None,
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
        SettingsError: what is left out is not there, or leaves nothing to train on; `run.init` does
            not take `run.side_pixels`.
    """
    if run.leave_out is not None:
        check_left_out(run.leave_out, pools["train"])
    set_seed(run.seed)
    model, processor = make_model(run.init, design_network(run, pools["train"].images))
    if run.side_pixels not in (0, side_of(processor)):
        resize_input(model, processor, run.side_pixels)
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


def design_network(run: TrainSettings, faces: PixelStore) -> Architecture:
    """The network made when `init` is `config`, for faces of this size."""
    depths, sizes = tuple(run.depths), tuple(run.hidden_sizes)
    side = run.side_pixels or faces.median_side()
    return Architecture(depths, sizes, run.stem_pixels, side, run.kind)


def make_training(
    run: TrainSettings, pool: LoadedSplit, processor: BaseImageProcessor
) -> PhotoGroups:
    """Photos to train on, of the rows that the run may see.

    Args:
        run: the settings.
        pool: the split to train on.
        processor: of the model.

    Raises:
        SettingsError: no photo has both labels left, or a face is smaller than the crops.
    """
    groups = group_rows(pool.table, pool.rows_without(run.leave_out))
    if not groups:
        raise SettingsError("no photo has both reals and fakes; there is nothing to train on")
    smallest = pool.images.smallest_side()
    if run.crop_pixels > smallest:
        raise SettingsError(f"crop_pixels {run.crop_pixels} exceeds the smallest face, {smallest}")
    return PhotoGroups(groups, pool.images, processor, plan_treatment(run))


def _make_validation(
    run: TrainSettings, pool: LoadedSplit, processor: BaseImageProcessor
) -> Images:
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
        lines = [json.dumps({**entry, "written_by": GENERATOR}) for entry in log_history]
        partial.write_text("".join(f"{line}\n" for line in lines))


def make_scorer(metric_script: Path) -> Scorer:
    """The Trainer's `compute_metrics`: what the local `evaluate` metric says of validation."""
    metric = evaluate.load(str(metric_script), keep_in_memory=True)

    def score(outputs: EvalPrediction) -> dict[str, float]:
        scores = to_scores(to_margins(np.asarray(outputs.predictions)), temperature=1.0)
        computed = metric.compute(predictions=scores, references=outputs.label_ids)
        return {name: float(value) for name, value in (computed or {}).items()}

    return score
