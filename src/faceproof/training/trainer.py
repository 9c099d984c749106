"""One training run: the Trainer put together, and what it reports.

A batch goes one way. `batches` draws whole photos and makes tensors, `Ahead` has the next one ready
while `mask_head.Supervised` learns from this one, and `mask_head.Accompany` then moves the mean.
"""

import json
from collections.abc import Callable, Mapping
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
    TrainerCallback,
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
from faceproof.detector.preprocessing import resize_input, side_of
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
from faceproof.training.mask_head import Accompany, HasEpochs, Supervised
from faceproof.training.pixel_cache import PixelStore
from faceproof.training.settings import Arguments
from faceproof.training.splits import LoadedSplit, check_left_out


class Stream(HasEpochs, Protocol):
    """Ready batches of one epoch after another, an `IterableDataset`; every rank has its own."""

    fingerprint: str


Scorer = Callable[[EvalPrediction], dict[str, float]]
OpenStream = Callable[[Arguments, Mapping[Split, LoadedSplit], BaseImageProcessor], Stream]


class DetectorTrainer(Trainer):  # type: ignore[misc]  # transformers is not read by mypy
    """The library's Trainer, whose batches hold whole photos and are made ready one ahead."""

    def get_train_dataloader(self) -> Ahead | IterableDataset[Batch]:
        """The Trainer's own loader of as many photos as give a batch of images."""
        photos = self.train_dataset
        if isinstance(photos, IterableDataset):  # gives batches already
            return photos
        loader = self._get_dataloader(
            photos, "Training", photos.count_photos(self._train_batch_size),
            self._get_train_sampler, is_training=True,
        )  # fmt: skip
        return Ahead(loader)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write a checkpoint. The finished classifier is saved by `models`, with its decision."""
        if output_dir is not None:
            super().save_model(output_dir, _internal_call)


@dataclass(frozen=True)
class Fitted:
    """A trained classifier, its processor and how the training went."""

    model: PreTrainedModel
    processor: BaseImageProcessor
    trainer: DetectorTrainer
    facts: Mapping[str, Scalar]


def fit(
    run: Arguments, pools: Mapping[Split, LoadedSplit], scorer: Scorer | None = None,
    open_stream: OpenStream | None = None,
) -> Fitted:  # fmt: skip
    """Train a classifier; the best by validation, or the last where the best is not asked for.

    A run that was stopped goes on from its last checkpoint in its `output_dir`, and one that has
    ended goes on if it is to be longer.

    Args:
        run: the arguments.
        pools: train and validation are looked at, test is not.
        scorer: of validation; may be None where nothing is evaluated.
        open_stream: opens the store that the run names.

    Raises:
        ModelError: the run's model is no image classifier.
        SettingsError: what is left out is not there, or leaves nothing to train on; the model does
            not take the run's `image_size`; or there is no checkpoint where one is asked for.
    """
    set_seed(run.training.seed)
    model, processor = open_model(run, pools["train"].images)
    photos, streamed = _open_training(run, pools, processor, open_stream)
    mask_weight = run.model.mask_weight if pools["train"].has_masks else 0.0
    supervised = Supervised(model, side_of(processor), mask_weight, run.model.ema_decay)
    trainer = DetectorTrainer(
        model=supervised,
        args=run.training,
        train_dataset=photos,
        eval_dataset=_make_validation(run, pools["validation"], processor),
        data_collator=collate,
        compute_metrics=scorer,
        callbacks=[Accompany(photos, supervised), *_stop_early(run)],
    )
    inputs = pools["train"].fingerprint + streamed + hash_weights(run.model.model_name_or_path)
    seconds = _train(run, trainer, inputs)
    facts: dict[str, Scalar] = {
        "epochs_run": round(trainer.state.epoch or 0, 2),
        "steps_run": trainer.state.global_step,
        "best_step": trainer.state.best_global_step,
        "processes": trainer.args.world_size,
        "trained_on": trainer.args.device.type,
        "seconds_since_start": seconds,
        "parameters": supervised.trained.num_parameters(),
    }
    model = round_weights(supervised.trained.eval().cpu(), run.model.save_dtype)
    return Fitted(model, processor, trainer, facts)


def open_model(run: Arguments, faces: PixelStore) -> tuple[PreTrainedModel, BaseImageProcessor]:
    """The network to train and its processor, of the run's size or of these faces' own."""
    asked = run.model
    side = asked.image_size or faces.median_side()
    architecture = Architecture(
        tuple(asked.depths), tuple(asked.hidden_sizes), asked.patch_size, side, asked.model_type
    )
    model, processor = make_model(asked.model_name_or_path, architecture)
    if asked.image_size not in (0, side_of(processor)):
        resize_input(model, processor, asked.image_size)
    return model, processor


def _open_training(
    run: Arguments, pools: Mapping[Split, LoadedSplit], processor: BaseImageProcessor,
    open_stream: OpenStream | None,
) -> tuple[HasEpochs, str]:  # fmt: skip
    """What is trained on, and the fingerprint of what is not of the dataset."""
    if run.data.store is None or open_stream is None:
        return make_training(run, pools["train"], processor), ""
    stream = open_stream(run, pools, processor)
    return stream, stream.fingerprint


def make_training(run: Arguments, pool: LoadedSplit, processor: BaseImageProcessor) -> PhotoGroups:
    """Photos to train on, of the rows that the run may see.

    Args:
        run: the arguments.
        pool: the split to train on.
        processor: of the model.

    Raises:
        SettingsError: no photo has both labels left, or a face is smaller than the crops.
    """
    if run.data.leave_out is not None:
        check_left_out(run.data.leave_out, pool)
    groups = group_rows(pool.table, pool.rows_without(run.data.leave_out))
    if not groups:
        raise SettingsError("no photo has both reals and fakes; there is nothing to train on")
    smallest, crop_pixels = pool.images.smallest_side(), run.data.crop_pixels
    if crop_pixels > smallest:
        raise SettingsError(f"crop_pixels {crop_pixels} exceeds the smallest face, {smallest}")
    return PhotoGroups(groups, pool, processor, plan_treatment(run))


def _make_validation(run: Arguments, pool: LoadedSplit, processor: BaseImageProcessor) -> Images:
    """Rows drawn at random, at most `max_eval_samples`."""
    rows = pool.rows_without(run.data.leave_out)
    shuffled = np.random.default_rng(run.training.seed).permutation(len(rows))
    chosen = rows[np.sort(shuffled[: run.data.max_eval_samples])]
    return Images(chosen.tolist(), pool, processor)


def _stop_early(run: Arguments) -> list[TrainerCallback]:
    patience = run.model.early_stopping_patience
    is_watched = patience > 0 and run.training.load_best_model_at_end
    return [EarlyStoppingCallback(early_stopping_patience=patience)] if is_watched else []


def _train(run: Arguments, trainer: DetectorTrainer, inputs: str) -> float:
    """Train from the start, or from where the run was; seconds it took."""
    made_from = checkpoints.describe(run, inputs, trainer.args.world_size)
    checkpoint = checkpoints.find_start(run, made_from)
    trainer.accelerator.wait_for_everyone()
    if trainer.is_world_process_zero():
        checkpoints.claim(run, made_from, checkpoint)
    done = trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    if trainer.is_world_process_zero():
        checkpoints.finish(run, made_from)
    return cast(float, done.metrics["train_runtime"])


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
