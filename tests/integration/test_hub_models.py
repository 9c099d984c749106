"""A model pushed to a Hub on loopback: the stock pipeline and the `hf` command find it there."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from tests.conftest import REPOSITORY
from tests.loopback_hub import TOKEN, Hub, serve_hub

from faceproof.data.images import Pixels

PUSH = "training/push_model.py"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as one:
        yield one


def start(hub: Hub, home: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        words, cwd=REPOSITORY, env={**os.environ, **hub.environment(home)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run(hub: Hub, home: Path, *words: str) -> str:
    with start(hub, home, *words) as process:
        said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert TOKEN not in said + errors
    return said


READ = """
import json, sys
from transformers import pipeline
said = pipeline("image-classification", model="user/detector")(sys.argv[1])
print(json.dumps({one["label"]: one["score"] for one in said}))
"""


def test_a_pushed_model_answers_to_its_name_and_is_downloaded_by_the_hf_command(
    hub: Hub, model: Path, tmp_path: Path, face: Pixels
) -> None:
    Image.fromarray(face[10:102]).save(tmp_path / "face.png")
    words = (sys.executable, PUSH, "--model", str(model), "--repository", "user/detector")
    said = run(hub, tmp_path, *words, "--dry_run", "--onnx", "false")
    assert "nothing was sent" in said
    assert "onnx" not in said
    assert not hub.repositories
    assert 'model="user/detector"' in run(hub, tmp_path, *words)
    assert set(hub.files("models", "user/detector")) == {
        "config.json", "model.safetensors", "preprocessor_config.json", "onnx/model.onnx",
    }  # fmt: skip
    scores = json.loads(
        run(hub, tmp_path, sys.executable, "-c", READ, str(tmp_path / "face.png")).splitlines()[-1]
    )
    run(
        hub, tmp_path, sys.executable, "training/predict.py", "--model", "user/detector",
        "--input", str(tmp_path / "face.png"), "--output", str(tmp_path / "p.csv"),
        "--align", "false", "--calibrate", "false",
    )  # fmt: skip
    with (tmp_path / "p.csv").open(newline="") as source:
        ours = float(next(csv.DictReader(source))["score"])
    assert scores["fake"] == pytest.approx(ours, abs=1e-4)
    hf = str(Path(sys.executable).with_name("hf"))
    run(hub, tmp_path, hf, "download", "user/detector", "--local-dir", str(tmp_path / "got"))
    got, sent = (
        (folder / "model.safetensors").read_bytes() for folder in (tmp_path / "got", model)
    )
    assert got == sent


def test_a_push_that_was_killed_sends_the_rest_only(hub: Hub, model: Path, tmp_path: Path) -> None:
    words = (sys.executable, PUSH, "--model", str(model), "--repository", "user/detector")
    hub.let_through(1)
    with start(hub, tmp_path, *words) as process:
        hub.wait_until_holding()
        process.send_signal(signal.SIGKILL)
    assert hub.files("models", "user/detector") == {}
    assert len(hub.objects) == 1
    hub.let_through(None)
    hub.asked.clear()
    run(hub, tmp_path, *words)
    large = [one for one in hub.files("models", "user/detector") if one.endswith(("x", "s"))]
    sent = [request for request in hub.asked if request.startswith("PUT")]
    assert len(large) == 2
    assert len(sent) == 1


def test_a_folder_that_is_no_model_is_refused_in_one_line(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = (PUSH, "--model", str(tmp_path / "empty"), "--repository", "user/detector")
    with start(hub, tmp_path, sys.executable, *words) as process:
        _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in errors
