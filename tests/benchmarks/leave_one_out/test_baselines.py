from pathlib import Path

import numpy as np
import pytest
from benchmarks.leave_one_out import baselines
from benchmarks.leave_one_out.baselines import read_baseline, score_baseline

from faceproof.data.images import Pixels
from faceproof.metrics import auroc
from faceproof.training.baselines import measure_spectrum, shrink_to_thumbnail
from faceproof.training.splits import LoadedSplit


def test_a_fine_grating_fills_the_outer_rings() -> None:
    rows, _ = np.indices((128, 128))
    grating = np.repeat((127 + 100 * np.cos(2 * np.pi * rows * 48 / 128))[..., None], 3, axis=2)
    spectrum = measure_spectrum(grating.astype(np.uint8))
    assert spectrum.shape == (40,)
    assert 1 + int(spectrum[1:].argmax()) == 30  # 48 of 64 cycles is ring 30 of 40


def test_a_thumbnail_is_mean_colours(face: Pixels) -> None:
    flat = np.full((80, 80, 3), (10, 100, 250), np.uint8)
    assert shrink_to_thumbnail(flat).reshape(8, 8, 3)[3, 3].tolist() == pytest.approx(
        [10 / 255, 100 / 255, 250 / 255]
    )
    assert shrink_to_thumbnail(face).shape == (192,)


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_features_have_a_row_for_each_image_and_are_kept(
    name: str, pool: LoadedSplit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / f"{name}.npy"
    features = read_baseline(name, pool, place)
    assert len(features) == len(pool.table)
    assert np.isfinite(features).all()
    monkeypatch.setattr(baselines, "BASELINES", {})
    assert (read_baseline(name, pool, place) == features).all()


def test_a_regression_finds_what_is_linear(rng: np.random.Generator) -> None:
    labels = np.tile([0, 1], 150)
    features = rng.normal(size=(300, 5)).astype(np.float32)
    features[:, 2] += 2 * labels
    parts = [(features[start:end], labels[start:end]) for start, end in ((0, 150), (150, 220))]
    margins = score_baseline(parts[0], parts[1], features[220:])
    assert auroc(labels[220:], margins) > 0.85
    noise = score_baseline(parts[0], parts[1], rng.normal(size=(80, 5)).astype(np.float32))
    assert abs(auroc(np.tile([0, 1], 40), noise) - 0.5) < 0.2
