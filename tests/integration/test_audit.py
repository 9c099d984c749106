"""The audit command on sound and on broken data."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict, concatenate_datasets
from tests.conftest import run_script
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil

from faceproof.data import shards, tables
from faceproof.data.images import decode, encode_jpeg


def audit(data: Path, output: Path, *words: str) -> tuple[int, dict[str, dict[str, object]], str]:
    done = run_script("question_02/audit.py", "--data", str(data), "--output", str(output), *words)
    report = output / "report.json"
    findings = json.loads(report.read_text())["findings"] if report.exists() else []
    return done.returncode, {one["code"]: one for one in findings}, done.stderr


def test_our_own_set_passes_what_data_alone_can_show(dataset: Path, tmp_path: Path) -> None:
    code, findings, errors = audit(dataset, tmp_path, "--results", str(tmp_path / "r.json"))
    assert code == 0, errors
    told = {name: one["outcome"] for name, one in findings.items()}
    assert {name for name, outcome in told.items() if outcome == "pass"} >= {
        "leak_identity", "leak_near_copy", "leak_parents", "shortcut_size", "shortcut_quality",
        "shortcut_codec",
    }  # fmt: skip
    assert told["calibration"] == told["follows_codec"] == "not_applicable"
    values = json.loads((tmp_path / "r.json").read_text())["values"]
    assert values["shortcut_codec"] == 0.5  # every file of a photo is alike: nothing to learn
    assert values["leak_identity"] == 0
    table = list(csv.DictReader((tmp_path / "findings.csv").read_text().splitlines()))
    assert [row["code"] for row in table] == list(findings)


def test_a_classifier_is_audited_and_its_weights_are_named(
    dataset: Path, model: Path, tmp_path: Path
) -> None:
    """Random weights: whatever else, no skill can be shown."""
    code, findings, errors = audit(
        dataset, tmp_path, "--model", str(model), "--images", "60",
        "--results", str(tmp_path / "r.json"),
    )  # fmt: skip
    assert code == 3, errors
    assert findings["baselines"]["outcome"] == "fail"
    assert findings["leak_identity"]["outcome"] == "pass"
    assert all(one["power"] for one in findings.values())
    inputs = json.loads((tmp_path / "r.json").read_text())["provenance"]["inputs"]
    assert len(inputs["model"]) == 64


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
    assert findings["shortcut_quality"]["outcome"] == "fail"
    assert findings["leak_identity"]["outcome"] == "not_applicable"


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
    assert findings["leak_identity"]["outcome"] == "fail"
    assert stray[0]["component_id"] in str(findings["leak_identity"]["meaning"])


def test_missing_data_are_refused_in_one_line(tmp_path: Path) -> None:
    code, findings, errors = audit(tmp_path / "none", tmp_path / "out")
    assert code == 1
    assert not findings
    assert errors.count("\n") == 1


def export_faces(dataset: Path, folder: Path, count: int) -> Path:
    """Some test images in folders real/ and fake/: no ids, no splits, no masks."""
    for row in tables.open_dataset(dataset)["test"].select(range(count)):
        place = folder / ("real", "fake")[row["label"]] / f"{row['image_id']}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(row["image"]["bytes"])
    return folder


def test_a_foreign_model_is_audited_and_what_could_not_be_checked_is_said(
    dataset: Path, tmp_path: Path
) -> None:
    """A ViT of others: one logit, another size, no stored decision; images without any metadata."""
    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        image_size=64, patch_size=16, num_labels=1, id2label={0: "Deepfake"},
        label2id={"Deepfake": 0}, initializer_range=0.5,
    )  # fmt: skip
    ViTForImageClassification(config).save_pretrained(tmp_path / "foreign")
    side = {"height": 64, "width": 64}
    ViTImageProcessorPil(size=side).save_pretrained(tmp_path / "foreign")
    faces = export_faces(dataset, tmp_path / "faces", 160)
    code, findings, errors = audit(
        faces, tmp_path / "out", "--model", str(tmp_path / "foreign"), "--images", "80"
    )
    assert code in {0, 3}, errors
    told = {name: one["outcome"] for name, one in findings.items()}
    for name in ("leak_identity", "worst_method", "without_forgery", "localisation"):
        assert told[name] == "not_applicable"
        assert len(str(findings[name]["meaning"])) > 20
    for name in ("follows_codec", "tier_web", "calibration", "baselines"):
        assert told[name] != "not_applicable"
        assert findings[name]["value"] is not None


def test_a_bare_csv_of_predictions_is_audited(dataset: Path, tmp_path: Path) -> None:
    faces = export_faces(dataset, tmp_path / "faces", 160)
    rng = np.random.default_rng(0)
    lines = ["image,score"]
    for place in sorted(faces.rglob("*.jpg")):
        share = 0.9 if place.parent.name == "fake" else 0.1
        lines.append(f"{place.relative_to(faces)},{share + rng.uniform(-0.1, 0.1):.3f}")
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    code, findings, errors = audit(
        faces, tmp_path / "out", "--predictions", str(tmp_path / "scores.csv")
    )
    assert code in {0, 3}, errors
    assert findings["permutation"]["outcome"] == "pass"
    assert findings["follows_codec"]["outcome"] == "not_applicable"
    assert "give the model" in str(findings["follows_codec"]["meaning"])
    assert (tmp_path / "out" / "curves.png").is_file()


def test_other_seeds_without_the_model_are_refused(dataset: Path, tmp_path: Path) -> None:
    code, _, errors = audit(dataset, tmp_path, "--others", "a", "b")
    assert code == 1
    assert "give --model too" in errors


def test_model_and_predictions_together_are_refused(dataset: Path, tmp_path: Path) -> None:
    code, _, errors = audit(dataset, tmp_path, "--model", "a", "--predictions", "b")
    assert code == 1
    assert "not both" in errors
