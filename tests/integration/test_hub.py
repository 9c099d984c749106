"""The real Hub libraries against a Hub on loopback: push, load, stream, build from it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import REPOSITORY
from tests.loopback_hub import TOKEN, Hub, Repository, serve_hub

from faceproof.data.images import decode, encode_mask
from faceproof.data.sources.photos import SourcePhoto

PUSH = "dataset_builder/push_dataset.py"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as one:
        yield one


def run(hub: Hub, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the Hub's address in its environment, as it must be before any import."""
    environment = {**os.environ, **hub.environment(home)}
    return subprocess.run(
        [sys.executable, *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


READ = """
import json, sys
from datasets import load_dataset
whole = load_dataset("user/faces")
stream = load_dataset("user/faces", split="test", streaming=True)
first = next(iter(stream))
print(json.dumps({"rows": whole.num_rows, "labels": whole["train"].features["label"].names,
                  "size": first["image"].size, "people": len(set(whole["test"]["identity_id"]))}))
"""


@pytest.fixture(scope="module")
def pushed(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A Hub to which the built dataset was pushed."""
    words = (PUSH, "--dataset", str(dataset), "--repository", "user/faces")
    with serve_hub() as one:
        done = run(one, tmp_path_factory.mktemp("home"), *words)
        assert done.returncode == 0, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        yield one


def test_a_dry_run_sends_nothing(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    words = (PUSH, "--dataset", str(dataset), "--repository", "user/faces", "--dry_run", "true")
    said = run(hub, tmp_path, *words)
    assert said.returncode == 0, said.stderr
    assert "nothing was sent" in said.stdout
    assert not hub.repositories


def test_a_pushed_dataset_loads_and_streams_by_its_name(
    pushed: Hub, dataset: Path, tmp_path: Path
) -> None:
    files = pushed.files("datasets", "user/faces")
    assert files
    for path, data in files.items():
        assert data == (dataset / path).read_bytes()
    read = run(pushed, tmp_path, "-c", READ)
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout.splitlines()[-1]) == {
        "rows": {"train": 960, "validation": 320, "test": 320},
        "labels": ["real", "fake"],
        "size": [92, 92],
        "people": 8,
    }


def test_a_second_push_sends_no_shard_again_and_drops_an_older_build(
    pushed: Hub, dataset: Path, tmp_path: Path
) -> None:
    words = (PUSH, "--dataset", str(dataset), "--repository", "user/faces")
    known = dict(pushed.files("datasets", "user/faces"))
    pushed.files("datasets", "user/faces")["data/old/train-00000-of-00001.parquet"] = b"older"
    pushed.asked.clear()
    assert run(pushed, tmp_path, *words).returncode == 0
    assert pushed.files("datasets", "user/faces") == known
    assert not [request for request in pushed.asked if request.startswith("PUT")]


def test_a_bad_name_is_refused_in_one_line(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    done = run(hub, tmp_path, PUSH, "--dataset", str(dataset), "--repository", "user/name/more")
    assert done.returncode == 1
    assert "cannot push" in done.stderr
    assert "Traceback" not in done.stderr


MAKE = """
import sys
from datasets import Dataset, Features, Image, Value
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest
from pathlib import Path
photos = [one for one in orl.read(SourceRequest(None, Path("x"))) if int(one.path.stem) <= 3]
rows = [{"photo": {"bytes": one.path.read_bytes(), "path": None}, "who": one.identity_id,
         "kind": int(number % 5 == 4), "sex": "m"} for number, one in enumerate(photos)]
rows[0]["photo"]["bytes"] = b"no picture"
schema = Features({"photo": Image(), "who": Value("string"), "kind": Value("int64"),
                   "sex": Value("string")})
Dataset.from_list(rows, features=schema).push_to_hub("user/photos", num_shards=2)
"""


@pytest.fixture(scope="module")
def photos_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A Hub that holds a dataset of somebody else's making."""
    with serve_hub() as one:
        made = run(one, tmp_path_factory.mktemp("home"), "-c", MAKE)
        assert made.returncode == 0, made.stderr
        yield one


def build_from_hub(hub: Hub, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(
        hub, root / "home", "dataset_builder/build_dataset.py",
        "--config", "dataset_builder/hub.yaml", "--input", "user/photos",
        "--output", str(root / "set"), "--exports", str(root / "exports"),
        "--results", str(root / "results.json"), "--methods", "swap", "hole", *words,
    )  # fmt: skip


def test_photos_are_streamed_from_a_hub_dataset_by_a_column_mapping(
    photos_hub: Hub, tmp_path: Path
) -> None:
    done = build_from_hub(
        photos_hub, tmp_path, "--limit", "60",
        "--columns", "image=photo", "identity=who", "sex=sex", "label=kind", "real=0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "results.json").read_text())["values"]
    assert (values["photos_in"], values["photos_kept"]) == (60, 59)
    assert values["photos_dropped_not_an_image"] == 1
    assert values["source"] == "hub"


def test_a_dataset_that_is_a_folder_of_images_streams_too(
    hub: Hub, tmp_path: Path, photos: list[SourcePhoto]
) -> None:
    files = {
        f"train/{photo.identity_id}/{number}.png": encode_mask(
            decode(photo.path.read_bytes())[..., 0]
        )
        for number, photo in enumerate(photos)
    }
    hub.repositories["datasets", "user/photos"] = Repository(files, "a" * 40)
    done = build_from_hub(hub, tmp_path, "--columns", "identity=label")
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "results.json").read_text())["values"]
    assert (values["photos_in"], values["photos_kept"], values["people"]) == (30, 30, 10)


def test_a_hub_that_is_not_there_is_refused_in_one_line(dataset: Path, tmp_path: Path) -> None:
    nowhere = Hub(url="http://127.0.0.1:9")
    pushed = run(nowhere, tmp_path, PUSH, "--dataset", str(dataset), "--repository", "user/faces")
    built = build_from_hub(nowhere, tmp_path)
    for done, said in ((pushed, "cannot push"), (built, "cannot open")):
        assert done.returncode == 1
        assert said in done.stderr
        assert "Traceback" not in done.stderr


WRONG = {
    "image=face": "no column face",
    "image=who": "holds no images",
    "picture=photo": "maps nothing",
    "image=photo real=0": "give label=COLUMN too",
    "image=photo split=nowhere": "cannot open",
    "image=photo config=nothing": "cannot open",
}
ASK = """
import json, sys
from pathlib import Path
from faceproof.data.sources import hub
from faceproof.data.sources.photos import SourceRequest
from faceproof.errors import InputError
said = {}
for words in json.loads(sys.argv[1]):
    request = SourceRequest(Path("user/photos"), Path(sys.argv[2]), columns=tuple(words.split()))
    try:
        next(hub.read(request))
    except InputError as error:
        said[words] = str(error)
print(json.dumps(said))
"""


def test_a_wrong_mapping_is_refused_in_one_sentence(photos_hub: Hub, tmp_path: Path) -> None:
    done = run(photos_hub, tmp_path / "home", "-c", ASK, json.dumps(list(WRONG)), str(tmp_path))
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    assert answers.keys() == WRONG.keys()
    for words, answer in answers.items():
        assert WRONG[words] in answer
        assert "\n" not in answer


def test_a_dataset_that_is_not_there_is_refused_in_one_line(
    photos_hub: Hub, tmp_path: Path
) -> None:
    done = build_from_hub(photos_hub, tmp_path, "--input", "user/nobody")
    assert done.returncode == 1
    assert "cannot open user/nobody" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hub_dataset_is_scored_as_it_streams(pushed: Hub, model: Path, tmp_path: Path) -> None:
    done = run(
        pushed, tmp_path, "training/predict.py", "--model", str(model), "--input", "user/faces",
        "--output", str(tmp_path / "p.csv"), "--no-align",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "320 images, 0 unreadable" in done.stdout
    assert "accuracy" in done.stdout
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 321
