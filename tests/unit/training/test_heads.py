import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from transformers import CLIPConfig, CLIPForImageClassification, CLIPVisionConfig

from faceproof.training.heads import embed, fit_head, score_larger
from faceproof.training.tuning import Normaliser


def make_features(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    targets = np.repeat(np.arange(classes), 60)
    values = rng.normal(size=(len(targets), 4)) * [1, 10, 100, 1] + targets[:, None] * [1, 5, 0, 0]
    return torch.tensor(values, dtype=torch.float32), torch.tensor(targets)


def test_it_is_the_logistic_regression_that_scikit_learn_fits() -> None:
    features, targets = make_features(3)
    strength = 0.01
    head = fit_head(features, targets, 3, strength, steps=500)
    scaled = StandardScaler().fit_transform(features.numpy())
    penalty = 1 / (2 * strength * len(targets))
    other = LogisticRegression(C=penalty, max_iter=2000, tol=1e-8).fit(scaled, targets.numpy())
    found = torch.softmax(head(features), dim=1).numpy()
    assert np.allclose(found, other.predict_proba(scaled), atol=0.02)


def test_unfolded_it_works_on_features_as_they_are() -> None:
    features, targets = make_features(2)
    head = fit_head(features, targets, 2, 0.01)
    weights, bias = head.unfold()
    assert torch.allclose(features @ weights.T + bias, head(features), atol=1e-3)


def test_a_rare_class_weighs_as_much_as_a_common_one() -> None:
    features, targets = make_features(2)
    rows = torch.cat([torch.arange(60), torch.arange(60, 66)])
    head = fit_head(features[rows], targets[rows], 2, 0.01, steps=500)
    scaled = StandardScaler().fit(features[rows].numpy())
    regression = LogisticRegression(
        C=1 / (0.01 * len(rows)), class_weight="balanced", max_iter=2000, tol=1e-8
    ).fit(scaled.transform(features[rows].numpy()), targets[rows].numpy())
    wanted = regression.predict_proba(scaled.transform(features.numpy()))
    assert np.allclose(torch.softmax(head(features), dim=1).numpy(), wanted, atol=0.03)


def test_the_score_is_the_larger_margin() -> None:
    features, targets = make_features(3)
    heads = [
        fit_head(features[targets != left], (targets[targets != left] == kind).long(), 2, 0.1)
        for kind, left in ((1, 2), (2, 1))
    ]
    margins = [head(features)[:, 1] - head(features)[:, 0] for head in heads]
    wanted = torch.maximum(*margins).numpy()
    assert np.allclose(score_larger(heads, features), wanted, atol=1e-5)


def test_features_are_the_class_token_and_the_mean_patch_of_each_block() -> None:
    torch.manual_seed(0)
    vision = CLIPVisionConfig(
        hidden_size=24, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        image_size=16, patch_size=8,
    )  # fmt: skip
    model = CLIPForImageClassification(CLIPConfig(vision_config=vision.to_dict(), num_labels=3))
    views = np.random.default_rng(0).integers(0, 255, (3, 2, 16, 16, 3), np.uint8)
    normalise = Normaliser([0.5] * 3, [0.25] * 3, torch.device("cpu"))
    found = embed(model.eval(), views, normalise, shown=(0, 1), blocks=(1, 2))
    assert found.shape == (6, 2 * 2 * 24)
    with torch.inference_mode():
        tokens = model.vision_model(normalise(views[:, 1])).last_hidden_state
    assert torch.allclose(found[3:, 48:72].float(), tokens[:, 0], atol=0.05)
    assert torch.allclose(found[3:, 72:].float(), tokens[:, 1:].mean(dim=1), atol=0.05)
