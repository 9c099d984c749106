"""What the audit's page is made from: the worked case, the bench, the growth benchmark."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmarks.audit import faults, worked_case
from PIL import Image
from tests.conftest import run_script

from faceproof.data import tables
from faceproof.data.checks.shortcuts import read_file_facts
from faceproof.data.images import Pixels, encode_jpeg, estimate_jpeg_quality
from faceproof.training import splits


@pytest.fixture(scope="module")
def planted(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built dataset, its fakes saved again."""
    output = tmp_path_factory.mktemp("planted") / "planted"
    done = run_script(
        "-m", "benchmarks.audit.plant", "--dataset", str(dataset), "--output", str(output),
        "--quality", "40",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return output


def test_fakes_alone_are_saved_again_and_the_audit_finds_it(
    dataset: Path, planted: Path, tmp_path: Path
) -> None:
    before = {
        row["image_id"]: row["image"]["bytes"] for row in tables.open_dataset(dataset)["test"]
    }
    for row in tables.open_dataset(planted)["test"]:
        data = row["image"]["bytes"]
        if row["label"]:
            assert estimate_jpeg_quality(data) == 40
            sampling = read_file_facts(data)["subsampling"]
            assert sampling == read_file_facts(before[row["image_id"]])["subsampling"]
        else:
            assert data == before[row["image_id"]]
    assert splits.load_splits(planted, tmp_path / "pixels")  # training takes it
    done = run_script(
        "question_02/audit.py", "--data", str(planted), "--output", str(tmp_path / "audit")
    )
    assert done.returncode == 3, done.stderr
    findings = json.loads((tmp_path / "audit" / "report.json").read_text())["findings"]
    failed = {one["code"] for one in findings if one["outcome"] == "fail"}
    assert "shortcut_quality" in failed


def test_the_worked_case_is_drawn(
    dataset: Path, planted: Path, model: Path, tmp_path: Path
) -> None:
    figure = tmp_path / "faces.png"
    done = run_script(
        "-m", "benchmarks.audit.show_planted", "--model", str(model), "--planted", str(planted),
        "--clean", str(dataset), "--figure", str(figure),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with Image.open(figure) as picture:
        assert np.asarray(picture.convert("L")).std() > 20


def test_an_audit_of_the_bench_is_kept_with_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logging.disable", lambda _: None)  # in its own process it is for good
    faults._work(tmp_path, "codec", 3, "abc")
    kept = json.loads(faults.locate(tmp_path, "codec", 3).read_text())
    assert kept["outcomes"]["shortcut_codec"] == "fail"
    assert kept["outcomes"]["leak_identity"] == "pass"
    assert kept["commit"] == "abc"


def test_growing_audits_are_timed(model: Path, tmp_path: Path) -> None:
    done = run_script(
        "-m", "benchmarks.audit.measure_growth", "--model", str(model),
        "--work", str(tmp_path / "work"), "--results", str(tmp_path / "results.json"),
        "--sizes", "60", "--processes", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "results.json").read_text())["values"]
    assert 0 < values["model_seconds_classifier_60"] < values["model_seconds_60"]
    assert values["predictions_seconds_classifier_60"] == 0
    assert values["predictions_peak_bytes_60"] > 0
    report = json.loads((tmp_path / "work" / "report_60" / "report.json").read_text())
    assert report["scored"] == 60


def test_a_classifier_without_a_decision_or_a_quality_that_is_none_is_refused(
    dataset: Path, model: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(model, foreign)
    config = json.loads((foreign / "config.json").read_text())
    del config["decision"]
    (foreign / "config.json").write_text(json.dumps(config))
    done = run_script(
        "-m", "benchmarks.audit.show_planted", "--model", str(foreign), "--planted", str(dataset),
        "--clean", str(dataset), "--figure", str(tmp_path / "f.png"),
    )  # fmt: skip
    assert (done.returncode, "stores no decision" in done.stderr) == (1, True)
    done = run_script(
        "-m", "benchmarks.audit.plant", "--dataset", str(dataset), "--output", str(tmp_path / "p"),
        "--quality", "0",
    )  # fmt: skip
    assert (done.returncode, "from 1 to 95" in done.stderr) == (1, True)


def test_scores_are_written_under_their_images(tmp_path: Path, face: Pixels) -> None:
    """What is called fake gets a frame: more ink."""

    def ink(path: Path) -> float:
        return float((np.asarray(Image.open(path).convert("L")) < 250).mean())

    image = encode_jpeg(np.full_like(face, 255), 90, 0)
    for name, is_called_fake in (("real.png", False), ("fake.png", True)):
        worked_case.draw_scored([{"photo": (image, 0.8, is_called_fake)}], "orl", tmp_path / name)
    assert 0 < 1.3 * ink(tmp_path / "real.png") < ink(tmp_path / "fake.png")
