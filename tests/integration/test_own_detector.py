"""A detector from anybody's pictures: README's three commands, and what the library promises."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from datasets import Dataset, Features, Image, Value
from tests.conftest import NOTHING, REPOSITORY, run_script
from tests.loopback_hub import serve_hub
from transformers import pipeline

from faceproof.data.images import decode, encode_jpeg
from faceproof.data.sources import orl
from faceproof.detector.models import WEIGHTS, load_model

PEOPLE, EACH = 12, 3
SHORTER = {"training/train.py": ["--num_train_epochs", "1", "--image_size", "64", "--use_cpu"]}
SMALL = [
    "training/train.py", "--config", "training/tiny.yaml", "--crop_pixels", "0", "--use_cpu",
    "--image_size", "32", "--hidden_sizes", "4", "4", "8", "--num_train_epochs", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of twelve people, and of each photo one with the middle of another face in it."""
    folder = tmp_path_factory.mktemp("own") / "my_faces"
    photos = [one for one in orl.read(NOTHING) if int(one.path.stem) <= EACH][: PEOPLE * EACH]
    pixels = [decode(one.path.read_bytes()) for one in photos]
    for number, photo in enumerate(photos):
        fake = pixels[number].copy()
        fake[45:95, 20:72] = pixels[(number + EACH) % len(photos)][45:95, 20:72]
        for label, picture in (("real", pixels[number]), ("fake", fake)):
            place = folder / label / photo.identity_id / f"{number}.jpg"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(encode_jpeg(picture, 90, 0))
    return folder


def read_commands() -> list[list[str]]:
    """README's commands for a detector of one's own, without `python`."""
    section = (REPOSITORY / "README.md").read_text().split("## A detector of your own")[1]
    return [shlex.split(line)[1:] for line in re.split("```", section)[1].strip().splitlines()]


def read_values(folder: Path) -> dict[str, object]:
    values: dict[str, object] = json.loads((folder / "results.json").read_text())["values"]
    return values


def test_three_commands_lead_from_a_folder_to_a_calibrated_detector_and_its_report(
    faces: Path,
) -> None:
    folder, commands = faces.parent, read_commands()
    assert len(commands) == 3
    for command in commands:
        words = [re.sub(r"^my_", f"{folder}/my_", word) for word in command]
        done = run_script(*words, *SHORTER.get(command[0], []))
        fine = {0, 3} if command[0] == "question_02/audit.py" else {0}  # 3: it found something
        assert done.returncode in fine, done.stderr
        if command[0] == "training/train.py":
            assert "12 people in" in done.stderr
            values = read_values(folder / "my_detector")
        if command[0] == "training/predict.py":
            measured = re.search(r"area under the ROC curve +([\d.]+)", done.stdout)
            assert measured is not None
            # Prediction cuts the faces out of the held-out pictures as training did.
            assert float(measured[1]) == pytest.approx(values["test_auroc"], abs=1e-3)
    model = folder / "my_detector"
    assert load_model(str(model))[2].threshold == pytest.approx(values["threshold"], abs=1e-6)
    assert {"shortcut_file_outcome", "shortcut_thumbnail", "shortcut_border"} <= values.keys()
    assert (folder / "my_report" / "report.html").is_file()
    assert (folder / "my_audit" / "report.html").is_file()
    with zipfile.ZipFile(model / "_test_faces.zip") as held_out:
        rows = held_out.read("labels.csv").decode().splitlines()
    assert rows[0] == "image,label,component_id"
    assert len(rows) - 1 == values["test_auroc_n"]


def test_a_finished_run_that_is_given_more_epochs_goes_on(faces: Path, tmp_path: Path) -> None:
    words = [*SMALL, "--dataset", str(faces), "--output_dir", str(tmp_path / "run")]
    first = run_script(*words)
    assert first.returncode == 0, first.stderr
    steps = read_values(tmp_path / "run")["steps_run"]
    assert isinstance(steps, int)
    longer = run_script(*words, "--num_train_epochs", "3")
    assert longer.returncode == 0, longer.stderr
    assert f"going on from {tmp_path / 'run' / f'checkpoint-{steps}'}" in longer.stderr
    assert read_values(tmp_path / "run")["steps_run"] == 3 * steps
    history = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    losses = [entry["epoch"] for line in history if "loss" in (entry := json.loads(line))]
    assert losses == [1, 2, 3]


def test_steps_accumulation_and_checkpoints_are_the_librarys(faces: Path, tmp_path: Path) -> None:
    """The dataset is one parquet file with a label column and groups."""
    files = sorted(faces.rglob("*.jpg"))
    rows = {
        "image": [{"bytes": file.read_bytes(), "path": None} for file in files],
        "label": [file.parts[-3] for file in files],
        "group": [file.parts[-2] for file in files],
    }
    text = Value("string")
    features = Features({"image": Image(), "label": text, "group": text})
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "faces.parquet")
    words = [
        *SMALL, "--dataset", str(tmp_path / "faces.parquet"), "--output_dir", str(tmp_path / "run"),
        "--max_steps", "3", "--gradient_accumulation_steps", "2", "--save_strategy", "steps",
        "--save_steps", "1", "--save_total_limit", "2", "--load_best_model_at_end", "false",
        "--per_device_train_batch_size", "8",
    ]  # fmt: skip
    done = run_script(*words)
    assert done.returncode == 0, done.stderr
    assert "12 groups in" in done.stderr
    assert read_values(tmp_path / "run")["steps_run"] == 3
    kept = sorted(path.name for path in (tmp_path / "run").glob("checkpoint-*"))
    assert kept == ["checkpoint-2", "checkpoint-3"]
    again = run_script(*words, "--resume_from_checkpoint", str(tmp_path / "run" / kept[0]))
    assert again.returncode == 0, again.stderr
    assert f"going on from {tmp_path / 'run' / kept[0]}" in again.stderr
    assert read_values(tmp_path / "run")["steps_run"] == 3


_ASK = """
import sys
from transformers import pipeline
print(pipeline("image-classification", model="user/mine")(sys.argv[1]))
"""


def test_a_pushed_run_holds_the_classifier_and_no_pictures(faces: Path, tmp_path: Path) -> None:
    words = [*SMALL, "--dataset", str(faces), "--output_dir", str(tmp_path / "run")]
    photo = next(faces.rglob("*.jpg"))
    with serve_hub() as hub:
        environment = {**os.environ, **hub.environment(tmp_path / "home")}
        for asked in (
            [*words, "--push_to_hub", "--hub_model_id", "user/mine"],
            ["-c", _ASK, str(photo)],
        ):
            done = subprocess.run(
                [sys.executable, *asked], cwd=REPOSITORY, env=environment, capture_output=True,
                text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
        files = set(hub.files("models", "user/mine"))
    assert {"config.json", WEIGHTS, "preprocessor_config.json", "results.json"} <= files
    assert not [name for name in files if name.startswith(("_", "checkpoint"))]
    here = pipeline("image-classification", model=str(tmp_path / "run"))(str(photo))
    assert str(here[0]["score"])[:6] in done.stdout
