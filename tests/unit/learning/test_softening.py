from pathlib import Path

import numpy as np
import pytest
import torch
from tests.conftest import TINY

from faceproof.errors import SettingsError
from faceproof.learning.augmentation import RECIPES
from faceproof.learning.batches import PhotoGroups, Treatment, group_rows
from faceproof.learning.models import make_model
from faceproof.learning.pools import Pool
from faceproof.learning.softening import find_seen, read_features, soften, summarise
from faceproof.learning.supervision import Supervised
from faceproof.metrics import auroc

SHARE = 0.5


def test_reals_and_generated_faces_are_softened_and_what_was_altered_is_not(pool: Pool) -> None:
    labels, seen = pool.labels, find_seen(pool)
    told = np.random.default_rng(0).normal(size=(len(seen), 40)) + 2 * labels[seen, None]
    kept = np.arange(1, len(pool.table))
    targets = soften(pool, kept, told.astype(np.float32), SHARE)
    is_soft = np.isin(np.arange(len(labels)), np.intersect1d(seen, kept))
    assert set(pool.table["method"][~is_soft]) == {"swap", "none"}  # of the photo that is not kept
    assert np.array_equal(targets[~is_soft], labels[~is_soft])
    opinions = (targets - (1 - SHARE) * labels)[is_soft] / SHARE
    assert (opinions > 0).all()
    assert (opinions < 1).all()
    assert auroc(labels[is_soft], opinions) == 1


def test_features_are_measured_once(pool: Pool, tmp_path: Path) -> None:
    place = tmp_path / "features.npy"
    first = read_features(pool, *make_model("config", TINY), place)
    assert len(first) == len(find_seen(pool))
    again = read_features(pool, *make_model("config", TINY), place)  # other weights, not asked
    assert np.array_equal(first, again)


def test_who_has_no_generated_faces_is_refused(pool: Pool) -> None:
    with pytest.raises(SettingsError, match="give soften 0"):
        soften(pool, pool.rows_without("dcgan"), np.zeros((16, 2), np.float32), SHARE)


def test_a_summary_is_mean_and_deviation_of_the_last_map_of_each_size() -> None:
    model = make_model("config", TINY)[0].eval()
    pictures = torch.rand(3, 3, 92, 92)
    with torch.inference_mode():
        found = summarise(model, pictures).numpy()
        last = model.base_model(pixel_values=pictures, output_hidden_states=True).hidden_states[-1]
    channels = last.shape[1]
    assert found[:, -2 * channels : -channels] == pytest.approx(last.mean((2, 3)).numpy(), abs=1e-5)
    assert found[:, -channels:] == pytest.approx(last.std((2, 3)).numpy(), abs=1e-5)


def test_a_softer_label_costs_what_both_labels_would_cost_by_its_share(pool: Pool) -> None:
    model, processor = make_model("config", TINY)
    treatment = Treatment(RECIPES["none"], images_of_each=1, crop_pixels=None, epochs=1, seed=0)
    groups = group_rows(pool.table, np.arange(len(pool.table)))
    targets = np.full(len(pool.table), 0.25, np.float32)
    item = PhotoGroups(groups, pool.images, processor, treatment, targets)[0]
    assert item["labels"].tolist() == [0.25, 0.25]
    supervised = Supervised(model, 92, 0.0, 0.9)
    real, fake = (torch.full((2,), label) for label in (0, 1))
    with torch.no_grad():
        soft, low, high = (
            float(supervised(item["pixel_values"], labels)["loss"])
            for labels in (item["labels"], real, fake)
        )
    assert soft == pytest.approx(0.75 * low + 0.25 * high, abs=1e-5)
