import zipfile
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from faceproof.audit.audits import (
    has_failed,
    identify,
    look,
    measure_classifier,
    run_checks,
    write_report,
)
from faceproof.audit.cases import Question, open_case
from faceproof.audit.evidence import gather, read_evidence
from faceproof.audit.scores import read_scores
from faceproof.audit.settings import AuditSettings
from faceproof.data.checks.findings import to_values
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.errors import DatasetError, ImageError, InputError


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
    seen = read_evidence(str(archive))
    assert len(seen.labels) == 9
    assert seen.labels.sum() == 5
    assert set(seen.table) == {"name", "label"}
    assert seen.audited.tolist() == list(range(9))
    case = open_case(seen, None, None, Question())
    assert seen.table["name"][case.seen.unreadable].tolist() == ["fake/broken.jpg"]


def test_few_images_without_groups_fail_nothing(archive: Path) -> None:
    findings = run_checks(open_case(read_evidence(str(archive)), None, None, Question()))
    assert {one.outcome for one in findings} <= {"underpowered", "not_applicable"}
    assert not has_failed(findings)
    assert to_values(findings)["leak_identity_outcome"] == "not_applicable"


def test_a_classifier_is_measured_on_what_it_scored(archive: Path, tmp_path: Path) -> None:
    scores = "image,score,label,reason\n" + "".join(
        f"{label}/{number}.jpg,{0.9 if label == 'fake' else 0.1},,\n"
        for number in range(3)
        for label in ("real", "fake")
    )
    path = write_scores(tmp_path, scores + "fake/broken.jpg,,,empty\n")
    case = open_case(read_evidence(str(archive)), None, path, Question())
    assert len(case.labels) == 6
    assert case.scores == pytest.approx([0.9 if label else 0.1 for label in case.labels])
    assert case.validation is None


def test_the_same_classifier_of_other_seeds_is_scored_too(
    archive: Path, model: Path, tmp_path: Path
) -> None:
    run = AuditSettings(
        data=str(archive), output=tmp_path, model=str(model), others=[str(model), str(model)]
    )
    case = look(run)
    assert case.others == (case.rank(np.arange(len(case.labels))),) * 2
    named = identify(run)
    assert named["others"] == f"{named['model']} {named['model']}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,probability\n", "needs the columns"),
        ("image,score\na.jpg,high\n", "the score of a.jpg is 'high'"),
        ("image,score\na.jpg,0.5\n./a.jpg,0.6\n", "the same image twice: a.jpg"),
        ("image,score\na.jpg,1.5\n", "not 0 to 1"),
        ("image,score\na.jpg,nan\n", "not 0 to 1"),
        ("image,score\nstranger.jpg,0.5\n", "none of the images"),
    ],
)
def test_predictions_that_say_nothing_are_refused(
    archive: Path, tmp_path: Path, text: str, message: str
) -> None:
    path, seen = write_scores(tmp_path, text), read_evidence(str(archive))
    with pytest.raises(InputError, match=message):
        open_case(seen, None, path, Question())


def test_a_missing_csv_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read predictions"):
        read_scores(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("labels", "threshold"),
    [
        (("", "", ""), 0.5),
        (("real", "real", "fake"), 0.5),
        (("real", "fake", "fake"), 0.4),  # unlike 0.5 would have it
        (("real", "unsure", "fake"), 0.5),
        (("fake", "real", "fake"), 0.5),  # no threshold's doing
    ],
)
def test_a_csv_with_labels_is_judged_by_them(
    tmp_path: Path, labels: tuple[str, ...], threshold: float
) -> None:
    rows = [
        f"{number},{score},{label}"
        for number, (score, label) in enumerate(zip((0.2, 0.4, 0.9), labels, strict=True))
    ]
    scores, found = read_scores(write_scores(tmp_path, "\n".join(["image,score,label", *rows])))
    assert scores == {"0": 0.2, "1": 0.4, "2": 0.9}
    assert found == threshold


def test_images_of_a_hub_dataset_are_found_by_their_ids(face: Pixels, tmp_path: Path) -> None:
    """`predict.py` names them so where it streams the dataset."""
    rows = make_rows(face, [0, 1]).add_column("image_id", ["a", "b"])
    path = write_scores(tmp_path, "image,score\na,0.1\nb,0.9\n")
    case = open_case(gather({"test": rows}, "here"), None, path, Question())
    assert case.scores.round(3).tolist() == [0.1, 0.9]


def test_hidden_labels_do_not_shift_names(face: Pixels, tmp_path: Path) -> None:
    rows = make_rows(face, [-1, 0, -1, 1])
    path = write_scores(
        tmp_path, "image,score\n" + "".join(f"test/{n},0.{n + 1}\n" for n in range(4))
    )
    case = open_case(gather({"test": rows}, "here"), None, path, Question())
    assert case.scores.round(3).tolist() == [0.2, 0.4]


def test_an_image_folder_that_says_it_is_a_dataset_is_read(tmp_path: Path, face: Pixels) -> None:
    for label in ("real", "fake"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        (tmp_path / "photos" / label / "0.jpg").write_bytes(encode_jpeg(face, 80, 0))
    card = "---\nconfigs:\n- config_name: default\n  data_dir: photos\n---\n"
    (tmp_path / "README.md").write_text(card)
    seen = read_evidence(str(tmp_path))
    assert [seen.picture(row).shape for row in range(2)] == [face.shape] * 2


@pytest.mark.parametrize("name", ["/etc/hostname", "user/name/../../secret.jpg", "a\0b"])
def test_a_row_cannot_name_a_file_of_this_machine(name: str, face: Pixels) -> None:
    rows = make_rows(face, [0, 1]).cast_column("image", Image(decode=False))
    stolen = rows.map(lambda row: {"image": {"bytes": None, "path": name}})
    seen = gather({"test": stolen}, "user/name")
    with pytest.raises(ImageError, match="not part of the dataset"):
        seen.read(0)


def test_subgroups_of_a_folder_are_refused(archive: Path) -> None:
    with pytest.raises(InputError, match="no column sex"):
        read_evidence(str(archive), ["sex"])


def test_images_without_truth_cannot_be_audited(tmp_path: Path, face: Pixels) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_jpeg(face, 80, 0))
    with pytest.raises(InputError, match="does not say what is real"):
        read_evidence(str(tmp_path))


def test_a_place_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="does not exist"):
        read_evidence("no/such/place")


def test_a_folder_with_a_card_but_no_data_is_refused(tmp_path: Path) -> None:
    card = (
        "---\nlicense: mit\nconfigs:\n- config_name: default\n  data_files: data/*.parquet\n---\n"
    )
    (tmp_path / "README.md").write_text(card)
    with pytest.raises(DatasetError, match="cannot be opened"):
        read_evidence(str(tmp_path))


def test_a_folder_of_images_with_a_readme_is_a_folder_of_images(
    tmp_path: Path, face: Pixels
) -> None:
    (tmp_path / "README.md").write_text("# My photos\n")
    for label in ("real", "fake"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "0.jpg").write_bytes(encode_jpeg(face, 80, 0))
    assert read_evidence(str(tmp_path)).labels.tolist() == [1, 0]


def write_dataset(folder: Path, rows: Dataset) -> None:
    rows.to_parquet(folder / "test.parquet")
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n"
    card += "  - split: test\n    path: test.parquet\n---\n"
    (folder / "README.md").write_text(card)


def test_labels_in_another_order_keep_their_meaning(tmp_path: Path, face: Pixels) -> None:
    features = Features({"image": Image(), "label": ClassLabel(names=["fake", "real"])})
    jpeg = {"bytes": encode_jpeg(face, 80, 0), "path": None}
    write_dataset(
        tmp_path, Dataset.from_dict({"image": [jpeg] * 3, "label": [0, 1, 1]}, features=features)
    )
    seen = read_evidence(str(tmp_path))
    assert seen.labels.tolist() == [1, 0, 0]
    assert seen.picture(2).shape == face.shape


def test_other_labels_and_missing_columns_are_refused(tmp_path: Path, face: Pixels) -> None:
    features = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})
    jpeg = {"bytes": encode_jpeg(face, 80, 0), "path": None}
    rows = Dataset.from_dict({"image": [jpeg], "label": [0]}, features=features)
    write_dataset(tmp_path, rows)
    with pytest.raises(InputError, match="has the classes cat, dog; say what cat and dog mean"):
        read_evidence(str(tmp_path))
    write_dataset(tmp_path, rows.remove_columns("label"))
    with pytest.raises(DatasetError, match="needs the columns"):
        read_evidence(str(tmp_path))


def test_a_subgroup_column_must_be_there(tmp_path: Path, face: Pixels) -> None:
    features = Features({"image": Image(), "label": ClassLabel(names=["real", "fake"])})
    jpeg = {"bytes": encode_jpeg(face, 80, 0), "path": None}
    write_dataset(tmp_path, Dataset.from_dict({"image": [jpeg], "label": [0]}, features=features))
    with pytest.raises(DatasetError, match="no column cohort"):
        read_evidence(str(tmp_path), ["cohort"])


def make_rows(face: Pixels, labels: list[int], **columns: list[str | None]) -> Dataset:
    jpeg = {"bytes": encode_jpeg(face, 80, 0), "path": None}
    names = ClassLabel(names=["real", "fake"])
    features = Features(
        {"image": Image(), "label": names, **{name: Value("string") for name in columns}}
    )
    return Dataset.from_dict(
        {"image": [jpeg] * len(labels), "label": labels, **columns}, features=features
    )


def test_hidden_labels_are_left_out(face: Pixels) -> None:
    seen = gather({"test": make_rows(face, [0, -1, 1])}, "here")
    assert seen.labels.tolist() == [0, 1]
    assert seen.picture(1).shape == face.shape


def test_what_is_not_stated_ties_nobody(face: Pixels) -> None:
    """Two splits with a face that belongs to nobody: that is no leak."""
    splits = {
        name: make_rows(face, [0, 1], identity_id=[name, None], method=[None, "swap"])
        for name in ("train", "test")
    }
    seen = gather(splits, "here")
    assert len(set(seen.groups)) == 4
    findings = run_checks(open_case(seen, None, None, Question()))
    told = {one.code: one.outcome for one in findings}
    assert told["leak_identity"] == "pass"


@pytest.mark.parametrize(
    ("names", "audited"),
    [
        (("train", "validation", "test"), "test"),
        (("train", "val"), "validation"),
        (("train", "holdout"), "holdout"),
        (("train",), "train"),
    ],
)
def test_what_was_not_trained_on_is_audited(
    face: Pixels, names: tuple[str, ...], audited: str
) -> None:
    seen = gather({name: make_rows(face, [0, 1]) for name in names}, "here")
    assert set(seen.table["split"].iloc[seen.audited]) == {audited}


def test_fakes_alone_end_in_a_report(face: Pixels, tmp_path: Path) -> None:
    seen = gather({"test": make_rows(face, [1] * 8)}, "here")
    path = write_scores(
        tmp_path, "image,score\n" + "".join(f"test/{row},0.4\n" for row in range(8))
    )
    case = open_case(seen, None, path, Question())
    findings = run_checks(case)
    assert not has_failed(findings)
    write_report(case, findings, measure_classifier(case), tmp_path / "report")
    assert (tmp_path / "report" / "findings.csv").is_file()
