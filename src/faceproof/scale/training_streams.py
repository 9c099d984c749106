"""Training images streamed from a store: the same treatment, one image at a time, no masks."""

import logging
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from torch import Tensor
from torch.utils.data import IterableDataset
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.buckets import Bucket
from faceproof.data.images import Pixels
from faceproof.detector.preprocessing import to_tensor
from faceproof.errors import DatasetError, SettingsError
from faceproof.records import UNSEEN_SPLITS, Split
from faceproof.scale.loader import Loading, ViewLoader
from faceproof.scale.locations import UNLABELLED
from faceproof.scale.stores import Rows, Store, open_store
from faceproof.scale.views import View, read_view, select
from faceproof.training.batches import Batch, Treatment, plan_treatment
from faceproof.training.settings import Arguments
from faceproof.training.splits import LoadedSplit

logger = logging.getLogger(__name__)

_TRAIN = "SELECT row FROM metadata WHERE split = 'train'"
_KEPT = "metadata"  # folder beside the decoded images


class TrainingStream(IterableDataset[Batch]):
    """Batches of a view, treated in the loader's threads; each rank reads its own part."""

    def __init__(
        self, store: Store, view: View, run: Arguments, processor: BaseImageProcessor
    ) -> None:
        """Take a view and the settings of a run."""
        self.fingerprint = view.fingerprint
        self._treatment, self._processor = plan_treatment(run), processor
        batch, seed = run.training.per_device_train_batch_size, run.training.seed
        loading = Loading(batch=batch, seed=seed)
        self._loader = ViewLoader(store, view, loading, collate=self._treat)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return len(self._loader)

    def set_epoch(self, epoch: int) -> None:
        """Another order and other draws."""
        self._loader.set_epoch(epoch)

    def __iter__(self) -> Iterator[Batch]:
        """One epoch.

        Raises:
            DatasetError: an image has no label.
        """
        for batch in self._loader:
            if (batch["labels"] == UNLABELLED).any():
                raise DatasetError("an image of the view has no label; leave it out")
            yield {"pixel_values": batch["pixel_values"], "labels": batch["labels"]}

    def _treat(self, pictures: list[Pixels], rows: Rows, epoch: int) -> Tensor:
        treated = []
        for place, (pixels, row) in enumerate(zip(pictures, rows.tolist(), strict=True)):
            # With the place, so that a row that comes twice is not treated twice alike.
            rng = np.random.default_rng([self._treatment.seed, epoch, row, place])
            treated.append(treat(pixels, self._treatment, rng))
        return to_tensor(treated, self._processor, self._treatment.crop_pixels)


def treat(pixels: Pixels, treatment: Treatment, rng: np.random.Generator) -> Pixels:
    """What the frame that is drawn shows of an image, augmented."""
    frame = treatment.policy.draw_frame(treatment.crop_pixels, rng)
    return treatment.policy.apply(frame.cut(pixels), rng)


def open_training(
    run: Arguments, pools: Mapping[Split, LoadedSplit], processor: BaseImageProcessor
) -> TrainingStream:
    """The images that the run's store holds: those of its split `train`, or of the run's view.

    Raises:
        SettingsError: masks or self-blends are wanted, which need whole photos.
        InputError: the store says no split and no view is given, or the view is no view.
        DatasetError: people of validation or test are among the images.
        StorageError: the store cannot be read.
    """
    policy = plan_treatment(run).policy
    if run.model.mask_weight or policy.self_blends or run.data.leave_out:
        raise SettingsError(
            "a streamed store has no masks and no whole photos; give --mask_weight 0 and an "
            "augmentation without self-blends, and leave families out by a view"
        )
    store = open_store(Bucket(run.data.store or ""))
    kept = run.cache_dir / _KEPT
    chosen = run.data.view
    view = select(store, _TRAIN, kept) if chosen is None else read_view(chosen, store)
    check_split(store, view, pools, kept)
    return TrainingStream(store, view, run, processor)


def check_split(store: Store, view: View, pools: Mapping[Split, LoadedSplit], kept: Path) -> None:
    """Refuse images of other splits, and images and people that validation or test holds.

    Raises:
        DatasetError: with what leaks.
    """
    columns = pq.read_schema(store.fetch_metadata(kept)[0]).names
    if "split" in columns:
        query = "SELECT row FROM metadata WHERE split IS DISTINCT FROM 'train'"
        strangers = len(select(store, query, kept, view))
        if strangers:
            raise DatasetError(f"{strangers} rows of the view are not of the split train")
    held = [sha256(data).digest() for name in UNSEEN_SPLITS for data in pools[name].read_files()]
    _, locations = store.locate(view.rows)
    copies = int(np.isin(locations["sha256"], np.array(held, "V32")).sum())
    if copies:
        raise DatasetError(f"{copies} rows of the view are images of validation or test")
    if "component_id" not in columns:
        logger.warning("the store has no component_id: its people cannot be compared with test's")
        return
    people = sorted({str(one) for name in UNSEEN_SPLITS for one in pools[name].groups})
    names = ", ".join("'" + one.replace("'", "''") + "'" for one in people)
    query = f"SELECT row FROM metadata WHERE component_id IN ({names})"
    leaked = len(select(store, query, kept, view))
    if leaked:
        raise DatasetError(f"{leaked} rows of the view are of people in validation or test")
