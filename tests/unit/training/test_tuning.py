import numpy as np
import pytest
import torch
from transformers import CLIPConfig, CLIPForImageClassification, CLIPVisionConfig

from faceproof.training.tuning import (
    ALTERED,
    GENERATED,
    REAL,
    Normaliser,
    Pool,
    TuneSettings,
    add_adapters,
    compute_logits,
    draw_batches,
    tune,
)

NORMALISE = Normaliser([0.5] * 3, [0.25] * 3, torch.device("cpu"))
SETTINGS = TuneSettings(steps=30, batch=8, rank=2, learning_rate=2e-2, dropout=0.0)


@pytest.fixture
def network() -> CLIPForImageClassification:
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        image_size=16, patch_size=8,
    )  # fmt: skip
    config = CLIPConfig(vision_config=vision.to_dict(), num_labels=3)
    return CLIPForImageClassification(config).eval()


@pytest.fixture
def pool() -> Pool:
    """Twelve of each kind: a real and its altered face share a pair; cells are of unlike size."""
    kinds = np.repeat([REAL, GENERATED, ALTERED], 12)
    cells = np.array((["a"] * 10 + ["b"] * 2) * 3)
    pairs = np.array([f"p{i}" for i in range(12)] + [f"g{i}" for i in range(12)]
                     + [f"p{i}" for i in range(12)])  # fmt: skip
    return Pool(draw_pictures(kinds), kinds, cells, pairs)


def draw_pictures(kinds: np.ndarray) -> np.ndarray:
    """Two views of each image, whose colour tells its kind."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 40, (len(kinds), 2, 16, 16, 3))
    noise[np.arange(len(kinds)), ..., kinds] += 150
    return noise.astype(np.uint8)


def test_kinds_and_cells_are_drawn_evenly_and_photos_stand_beside_their_forgeries(
    pool: Pool,
) -> None:
    settings = TuneSettings(steps=400, batch=8)
    batches = list(draw_batches(pool, settings))
    drawn = np.concatenate(batches)
    assert len(batches) == 400
    shares = np.bincount(pool.kinds[drawn]) / len(drawn)
    assert shares.tolist() == [0.5, 0.25, 0.25]
    generated = drawn[pool.kinds[drawn] == GENERATED]
    assert np.mean(pool.cells[generated] == "b") == pytest.approx(0.5, abs=0.06)  # 2 of 12 images
    for batch in batches:
        reals = set(pool.pairs[batch[pool.kinds[batch] == REAL]])
        assert set(pool.pairs[batch[pool.kinds[batch] == ALTERED]]) <= reals


def test_a_kind_that_is_not_there_leaves_its_place_to_the_others(pool: Pool) -> None:
    rows = np.flatnonzero(pool.kinds != ALTERED)
    less = Pool(pool.views[rows], pool.kinds[rows], pool.cells[rows], pool.pairs[rows])
    batches = list(draw_batches(less, TuneSettings(steps=50, batch=8)))
    assert all(len(batch) == 8 for batch in batches)
    shares = np.bincount(less.kinds[np.concatenate(batches)]) / 400
    assert shares.tolist() == [0.75, 0.25]


def test_adapters_learn_and_the_base_stays_as_it_was(
    network: CLIPForImageClassification, pool: Pool
) -> None:
    before = {name: value.clone() for name, value in network.vision_model.named_parameters()}
    adapted = add_adapters(network, SETTINGS)
    untouched = compute_logits(adapted, pool.views, NORMALISE)
    losses = tune(adapted, pool, SETTINGS, NORMALISE)
    assert len(losses) == SETTINGS.steps
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    found = compute_logits(adapted, pool.views, NORMALISE, view=1).argmax(axis=1)
    assert np.mean(found == pool.kinds) > np.mean(untouched.argmax(axis=1) == pool.kinds)
    base = dict(adapted.get_base_model().named_parameters())
    for name, value in before.items():
        place, _, part = f"vision_model.{name}".rpartition(".")
        kept = base.get(f"{place}.{part}", base.get(f"{place}.base_layer.{part}"))
        assert kept is not None
        assert torch.equal(kept, value)


def test_merged_adapters_give_the_same_logits(
    network: CLIPForImageClassification, pool: Pool
) -> None:
    adapted = add_adapters(network, SETTINGS)
    tune(adapted, pool, SETTINGS, NORMALISE)
    values = NORMALISE(pool.views[:, 0])
    with torch.inference_mode():
        wanted = adapted(pixel_values=values).logits
        merged = adapted.merge_and_unload()(pixel_values=values).logits
    assert torch.allclose(wanted, merged, atol=1e-4)


def test_only_later_blocks_are_adapted_where_that_is_asked(
    network: CLIPForImageClassification,
) -> None:
    adapted = add_adapters(network, TuneSettings(steps=1, batch=4, rank=2, first_block=1))
    learned = [name for name, value in adapted.named_parameters() if value.requires_grad]
    assert any("layers.1." in name for name in learned)
    assert not any("layers.0." in name for name in learned)


def test_the_same_seed_gives_the_same_losses(pool: Pool) -> None:
    def run() -> list[float]:
        torch.manual_seed(0)
        vision = CLIPVisionConfig(
            hidden_size=24, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
            image_size=16, patch_size=8,
        )  # fmt: skip
        config = CLIPConfig(vision_config=vision.to_dict(), num_labels=3)
        adapted = add_adapters(CLIPForImageClassification(config), SETTINGS)
        settings = TuneSettings(steps=3, batch=8, rank=2)
        return tune(adapted, pool, settings, NORMALISE)

    assert run() == run()
