"""The audit command on sound and on broken data."""

import json
import zipfile
from pathlib import Path

import numpy as np
from datasets import DatasetDict, concatenate_datasets
from tests.conftest import run_script

from faceproof.data import shards, tables
from faceproof.data.images import decode, encode_jpeg


def audit(data: Path, output: Path, *words: str) -> tuple[int, dict[str, dict[str, object]], str]:
    done = run_script("question_02/audit.py", "--data", str(data), "--output", str(output), *words)
    report = output / "report.json"
    findings = json.loads(report.read_text())["findings"] if report.exists() else []
    return done.returncode, {one["code"]: one for one in findings}, done.stderr


def test_our_own_set_passes(dataset: Path, tmp_path: Path) -> None:
    code, findings, errors = audit(dataset, tmp_path, "--results", str(tmp_path / "r.json"))
    assert code == 0, errors
    assert {name: one["outcome"] for name, one in findings.items()} == {
        "file_facts": "pass", "group_crossing": "pass",
    }  # fmt: skip
    values = json.loads((tmp_path / "r.json").read_text())["values"]
    assert values["file_facts"] == 0.5  # every file of a photo is alike, so nothing can be learned
    assert values["group_crossing"] == 0


def test_fakes_of_another_jpeg_quality_fail(dataset: Path, tmp_path: Path) -> None:
    rows = tables.open_dataset(dataset)["test"]
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "planted.zip", "w") as archive:
        manifest = ["image,label,component_id"]
        for row in rows.select(range(200)):
            quality = int(rng.integers(70, 80) if row["label"] else rng.integers(90, 96))
            pixels = decode(row["image"]["bytes"])
            archive.writestr(f"{row['image_id']}.jpg", encode_jpeg(pixels, quality, 0))
            label = ("real", "fake")[row["label"]]
            manifest.append(f"{row['image_id']}.jpg,{label},{row['component_id']}")
        archive.writestr("labels.csv", "\n".join(manifest))
    code, findings, errors = audit(tmp_path / "planted.zip", tmp_path / "out")
    assert code == 3, errors
    assert findings["file_facts"]["outcome"] == "fail"
    assert findings["group_crossing"]["outcome"] == "underpowered"


def test_a_person_in_two_splits_fails_by_name(dataset: Path, tmp_path: Path) -> None:
    splits = tables.open_dataset(dataset)
    stray = splits["test"].select([0])
    leaking = DatasetDict({**splits, "train": concatenate_datasets([splits["train"], stray])})
    staged = shards.stage(leaking, tmp_path / "staging", rows_per_shard=400, seed=0)
    shards.publish(
        staged, tmp_path / "set", f"---\n{shards.describe(staged, leaking, {})}---\n", {}
    )
    code, findings, errors = audit(tmp_path / "set", tmp_path / "out")
    assert code == 3, errors
    assert findings["group_crossing"]["outcome"] == "fail"
    assert stray[0]["component_id"] in str(findings["group_crossing"]["meaning"])


def test_missing_data_are_refused_in_one_line(tmp_path: Path) -> None:
    code, findings, errors = audit(tmp_path / "none", tmp_path / "out")
    assert code == 1
    assert not findings
    assert errors.count("\n") == 1
