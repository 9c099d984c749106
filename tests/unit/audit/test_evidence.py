import zipfile
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Image

from faceproof.audit.audits import has_failed, run_checks
from faceproof.audit.evidence import measure_classifier, read_evidence
from faceproof.data.checks.findings import to_values
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.errors import DatasetError, InputError


@pytest.fixture
def archive(tmp_path: Path, face: Pixels) -> Path:
    path = tmp_path / "faces.zip"
    with zipfile.ZipFile(path, "w") as members:
        for number in range(4):
            for label in ("real", "fake"):
                members.writestr(f"{label}/{number}.jpg", encode_jpeg(face, 80, 0))
        members.writestr("fake/broken.jpg", b"")
        members.writestr("elsewhere/unknown.jpg", b"")
    return path


def write_scores(folder: Path, text: str) -> Path:
    path = folder / "predictions.csv"
    path.write_text(text)
    return path


def test_an_archive_gives_labels_and_no_groups(archive: Path) -> None:
    seen = read_evidence(archive)
    assert len(seen.labels) == 9
    assert seen.labels.sum() == 5
    assert seen.groups is None
    assert seen.splits is None
    assert sum(facts["format"] == "unreadable" for facts in seen.facts) == 1


def test_checks_without_groups_are_underpowered_and_do_not_fail(archive: Path) -> None:
    findings = run_checks(read_evidence(archive), seed=0)
    assert [finding.code for finding in findings] == ["file_facts", "group_crossing"]
    assert findings[1].outcome == "underpowered"
    assert not has_failed(findings)
    assert to_values(findings)["group_crossing_outcome"] == "underpowered"


def test_a_classifier_is_measured_on_what_it_scored(archive: Path, tmp_path: Path) -> None:
    seen = read_evidence(archive)
    scores = "image,score,label,reason\n" + "".join(
        f"{label}/{number}.jpg,{0.9 if label == 'fake' else 0.1},,\n"
        for number in range(4)
        for label in ("real", "fake")
    )
    measured = measure_classifier(
        write_scores(tmp_path, scores + "fake/broken.jpg,,,empty\n"), seen, 0
    )
    assert (measured.value, measured.n) == (1.0, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,probability\n", "needs the columns"),
        ("image,score\na.jpg,high\n", "cannot read predictions"),
        ("image,score\nstranger.jpg,0.5\n", "none of the images"),
    ],
)
def test_predictions_that_say_nothing_are_refused(
    archive: Path, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        measure_classifier(write_scores(tmp_path, text), read_evidence(archive), 0)


def test_a_missing_csv_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read predictions"):
        measure_classifier(tmp_path / "none.csv", read_evidence(archive), 0)


def test_images_without_truth_cannot_be_audited(tmp_path: Path, face: Pixels) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(face, 80, 0))
    with pytest.raises(InputError, match="does not say what is real"):
        read_evidence(tmp_path)


def test_a_folder_with_a_card_but_no_data_is_refused(tmp_path: Path) -> None:
    card = (
        "---\nlicense: mit\nconfigs:\n- config_name: default\n  data_files: data/*.parquet\n---\n"
    )
    (tmp_path / "README.md").write_text(card)
    with pytest.raises(DatasetError, match="cannot be opened"):
        read_evidence(tmp_path)


def test_a_folder_of_images_with_a_readme_is_a_folder_of_images(
    tmp_path: Path, face: Pixels
) -> None:
    (tmp_path / "README.md").write_text("# My photos\n")
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "0.jpg").write_bytes(encode_jpeg(face, 80, 0))
    assert read_evidence(tmp_path).labels.tolist() == [1, 0]


def test_labels_in_another_order_keep_their_meaning(tmp_path: Path, face: Pixels) -> None:
    features = Features({"image": Image(), "label": ClassLabel(names=["fake", "real"])})
    jpeg = {"bytes": encode_jpeg(face, 80, 0), "path": None}
    rows = Dataset.from_dict({"image": [jpeg] * 3, "label": [0, 1, 1]}, features=features)
    rows.to_parquet(tmp_path / "test.parquet")
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n"
    card += "  - split: test\n    path: test.parquet\n---\n"
    (tmp_path / "README.md").write_text(card)
    assert read_evidence(tmp_path).labels.tolist() == [1, 0, 0]
