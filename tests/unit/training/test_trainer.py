import json
from pathlib import Path

import pytest

from faceproof.errors import SettingsError
from faceproof.training.batches import plan_treatment
from faceproof.training.settings import TrainSettings
from faceproof.training.trainer import make_arguments, write_history

NAMES = ("dataset", "output", "work", "cache", "results", "history", "figure")
PATHS = {name: Path(name) for name in NAMES}


def settings(**change: object) -> TrainSettings:
    return TrainSettings(**PATHS, **change)  # type: ignore[arg-type]  # paths and numbers


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0}, {"batch": 0}, {"images_of_each": 0}, {"validation_images": 0},
        {"crop_pixels": 93, "side_pixels": 92}, {"depths": [1]}, {"learning_rate": -1.0},
        {"decay": 1.0}, {"error_rate": 0.5}, {"mask_weight": -1.0}, {"patience": -1},
        {"augment": "wild"},
        {"kind": "vit", "depths": [1, 1], "hidden_sizes": [64, 64]},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_run_that_cannot_train_is_refused(change: dict[str, object]) -> None:
    name = "depths" if "kind" in change else next(iter(change))
    with pytest.raises(SettingsError, match=name):
        settings(**change)


@pytest.mark.parametrize(
    ("left_out", "has_blends"),
    [(None, True), ("warp", True), ("swap", True), ("blend", False), ("self_blend", False)],
)
def test_what_is_left_out_does_not_come_back_as_augmentation(
    left_out: str | None, has_blends: bool
) -> None:
    policy = plan_treatment(settings(augment="all", leave_out=left_out)).policy
    assert bool(policy.self_blends) == has_blends


def test_crops_are_for_networks_from_scratch_that_take_any_size() -> None:
    assert plan_treatment(settings(crop_pixels=48)).crop_pixels == 48
    assert plan_treatment(settings(crop_pixels=0)).crop_pixels is None
    assert plan_treatment(settings(init="user/model")).crop_pixels is None
    vit = settings(kind="vit", depths=[2], hidden_sizes=[64])
    assert plan_treatment(vit).crop_pixels is None


def test_a_gpu_is_used_where_it_is_asked_for() -> None:
    assert make_arguments(settings(device="auto")).use_cpu is False
    assert make_arguments(settings()).use_cpu is True


def test_history_is_one_entry_a_line(tmp_path: Path) -> None:
    write_history([{"epoch": 1.0}, {"epoch": 2.0}], tmp_path / "h.jsonl")
    lines = (tmp_path / "h.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1.0, 2.0]
