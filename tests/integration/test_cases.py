"""Small inputs that users brought and that went wrong once; `../shared/cases` builds them."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import Dataset
from tests.conftest import REPOSITORY, run_script

from faceproof.audit.evidence import read_evidence
from faceproof.audit.scores import read_scores
from faceproof.buckets import Bucket, Endpoint
from faceproof.data.checks.manifests import read_manifest, refuse_leaks
from faceproof.data.inputs.archives import open_archive
from faceproof.data.inputs.people import find_people
from faceproof.data.inputs.streams import open_stream
from faceproof.data.inputs.walks import walk
from faceproof.data.settings import ManifestSettings
from faceproof.data.sources import folder
from faceproof.data.sources.photos import SourceRequest
from faceproof.errors import DatasetError, InputError
from faceproof.scale.exports import materialise
from faceproof.scale.indexing import index_store
from faceproof.scale.locations import Columns
from faceproof.scale.units import LABEL, list_source
from faceproof.scale.views import select

MAKER = REPOSITORY.parent / "shared/cases/make_cases.py"

pytestmark = pytest.mark.skipif(not MAKER.is_file(), reason="../shared/cases is not here")


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cases")
    subprocess.run([sys.executable, str(MAKER), str(place)], check=True, capture_output=True)
    return place


def count_labels(place: Path) -> tuple[int, int]:
    """Reals and fakes of a stream that was gone through."""
    stream = open_stream(str(place))
    assert list(stream.images)
    labels = [one.label for one in stream.truth.values()]
    return labels.count("real"), labels.count("fake")


@pytest.mark.parametrize(
    "name",
    ["stray_root_file", "readme_beside", "dot_slash", "nfd_name", "names_without_ending",
     "capital_words"],
)  # fmt: skip
def test_truth_of_a_zip_is_kept_and_a_build_takes_no_fake(
    cases: Path, tmp_path: Path, name: str
) -> None:
    place = cases / f"truth/{name}.zip"
    assert count_labels(place) == (1, 1)
    assert len(list(folder.read(SourceRequest(place, tmp_path)))) == 1


@pytest.mark.parametrize("name", ["real", "REAL", "0_real", "training_real", "Original"])
def test_class_folders_are_known_everywhere(
    cases: Path, tmp_path: Path, s3: Endpoint, name: str
) -> None:
    place = cases / f"truth/folders_{name}"
    assert count_labels(place) == (5, 5)
    assert len(list(folder.read(SourceRequest(place, tmp_path)))) == 5
    bucket = Bucket(f"s3://cases/set_{name}", s3)
    bucket.create()
    for file in walk(place).images:
        bucket.put(file.name, file.read())
    for source in (Bucket(str(place)), bucket):
        labels = list_source(source)[LABEL].to_pylist()
        assert (labels.count("real"), labels.count("fake")) == (5, 5)


@pytest.mark.parametrize(
    "name", ["fake_first", "words", "column_labels", "raw_bytes", "string_view"]
)
def test_labels_of_parquet_are_0_real_and_1_fake(cases: Path, tmp_path: Path, name: str) -> None:
    place = cases / f"parquet/{name}"
    assert count_labels(place) == (10, 10)
    assert read_evidence(str(place)).labels.tolist() == [0, 1] * 10
    store = index_store(Bucket(str(tmp_path / "index")), Columns(), Bucket(str(place)))
    assert store.manifest.labels == ("real", "fake")
    view = select(store, "SELECT row FROM metadata WHERE label = 1", tmp_path / "kept")
    assert view.rows.tolist() == list(range(1, 20, 2))
    materialise(store, view, tmp_path / "copy.parquet")
    copy = Dataset.from_parquet(str(tmp_path / "copy.parquet"), cache_dir=str(tmp_path / "hf"))
    assert {copy.features["label"].names[code] for code in copy["label"]} == {"fake"}


@pytest.mark.parametrize("name", ["three_classes", "integers", "booleans"])
def test_labels_that_are_not_known_are_refused(cases: Path, tmp_path: Path, name: str) -> None:
    place = cases / f"parquet/{name}"
    assert count_labels(place) == (0, 0)  # prediction needs no labels
    with pytest.raises(InputError, match="--labels"):
        read_evidence(str(place))
    with pytest.raises(InputError, match="--labels"):
        index_store(Bucket(str(tmp_path)), Columns(), Bucket(str(place)))


def test_predictions_of_others_are_read_by_one_rule(cases: Path) -> None:
    place = cases / "predictions"
    plain = read_scores(place / "plain.csv")
    assert read_scores(place / "capital_labels.csv") == plain
    assert plain[1] == pytest.approx(0.25, abs=0.03)
    with pytest.raises(InputError, match="the same image twice"):
        read_scores(place / "twice.csv")


@pytest.mark.parametrize(
    ("name", "missing"), [("only_24", 16), ("one_class", 20), ("dot_slash", 0)]
)
def test_images_without_a_score_are_a_finding(
    cases: Path, tmp_path: Path, name: str, missing: int
) -> None:
    done = run_script(
        "question_02/audit.py", "--predictions", str(cases / f"predictions/{name}.csv"),
        "--data", str(cases / "predictions/faces"), "--output", str(tmp_path / "audit"),
    )  # fmt: skip
    with (tmp_path / "audit/findings.csv").open(newline="") as source:
        found = {row["code"]: row for row in csv.DictReader(source)}["unscored"]
    assert found["outcome"] == ("fail" if missing else "pass")
    assert float(found["value"]) == missing
    assert (f"{missing} of 40 images have no score" in done.stderr) == bool(missing)


@pytest.mark.parametrize("layout", ["plain", "sessions", "label_below"])
def test_a_person_is_one_in_every_layout(cases: Path, layout: str) -> None:
    names = [image.name for image in open_archive(cases / f"people/{layout}").images]
    assert find_people(names).describe().startswith("12 people in 48 photos")


@pytest.mark.parametrize("name", ["identity_id", "person", "Identity_ID", "trailing_space"])
def test_a_person_in_two_splits_is_found_under_any_header(cases: Path, name: str) -> None:
    data = cases / "predictions/faces"
    entries = read_manifest(ManifestSettings(data, cases / f"splits/{name}.csv"))
    with pytest.raises(DatasetError, match=r"people: person0 \(train, test\)"):
        refuse_leaks(entries, data)


def test_a_split_whose_people_are_not_named_does_not_pass(cases: Path, tmp_path: Path) -> None:
    lines = (cases / "splits/person.csv").read_text().splitlines()
    manifest = tmp_path / "nobody.csv"
    manifest.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")
    done = run_script(
        "dataset_builder/check_splits.py", "--data", str(cases / "predictions/faces"),
        "--manifest", str(manifest),
    )  # fmt: skip
    assert done.returncode == 1
    assert "no person is named (10 of 10 images compared, 0 people)" in done.stderr


def test_every_image_has_one_row_on_every_reader(cases: Path, tmp_path: Path, model: Path) -> None:
    for number, name in enumerate(("carriage_return.zip", "unknown_kinds", "linked", "thumbnails")):
        output = tmp_path / f"{number}.csv"
        done = run_script(
            "training/predict.py", "--model", str(model), "--input", str(cases / "names" / name),
            "--output", str(output),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        with output.open(newline="") as source:
            rows = {row["image"]: row for row in csv.DictReader(source)}
        expected: dict[str, str] = {
            "carriage_return.zip": dict.fromkeys(
                ("real/a\nb.jpg", "real/c\rd.jpg", 'fake/=1+1,"q".jpg'), ""
            ),
            "unknown_kinds": {
                "photo.HIF": "HEIF cannot be read", "photo.heif": "HEIF cannot be read",
                "photo.jxl": "JPEG XL cannot be read",
            },
            "linked": {"real/a.jpg": "", "fake/b.jpg": "", "fake/broken.jpg": "leads nowhere"},
            "thumbnails": {"real/one.jpg": "", "fake/two.jpg": ""},
        }[name]  # fmt: skip
        assert set(rows) == set(expected)
        for image, reason in expected.items():
            assert reason in rows[image]["reason"]
