import json
from pathlib import Path

import pytest

from faceproof.errors import SettingsError
from faceproof.training.batches import plan_treatment
from faceproof.training.settings import Arguments, read_arguments
from faceproof.training.trainer import write_history


def read(*words: str) -> Arguments:
    return read_arguments(None, ["--dataset", "d", "--output_dir", "o", "--use_cpu", *words])


@pytest.mark.parametrize(
    "words",
    [
        "--images_of_each 0", "--max_eval_samples 0", "--crop_pixels 93 --image_size 92",
        "--depths 1", "--learning_rate -1", "--ema_decay 1", "--error_rate 0.5",
        "--mask_weight -1", "--early_stopping_patience -1", "--augmentation wild",
        "--depths 1 1 --hidden_sizes 64 64 --model_type vit", "--view v", "--patch_size 0",
    ],
)  # fmt: skip
def test_a_run_that_cannot_train_is_refused(words: str) -> None:
    name = words.split(maxsplit=1)[0].strip("-")
    with pytest.raises(SettingsError, match=name):
        read(*words.split())


@pytest.mark.parametrize(
    ("left_out", "has_blends"),
    [(None, True), ("warp", True), ("swap", True), ("blend", False), ("self_blend", False)],
)
def test_what_is_left_out_does_not_come_back_as_augmentation(
    left_out: str | None, has_blends: bool
) -> None:
    words = [] if left_out is None else ["--leave_out", left_out]
    policy = plan_treatment(read("--augmentation", "all", *words)).policy
    assert bool(policy.self_blends) == has_blends


def test_crops_are_for_networks_from_scratch_that_take_any_size() -> None:
    def crop(words: str) -> int | None:
        return plan_treatment(read(*words.split())).crop_pixels

    assert crop("--crop_pixels 48") == 48
    assert crop("--crop_pixels 0") is None
    assert crop("--model_name_or_path user/model") is None
    assert crop("--model_type vit --depths 2 --hidden_sizes 64") is None


def test_history_is_one_entry_a_line(tmp_path: Path) -> None:
    write_history([{"epoch": 1.0}, {"epoch": 2.0}], tmp_path / "h.jsonl")
    lines = (tmp_path / "h.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1.0, 2.0]
