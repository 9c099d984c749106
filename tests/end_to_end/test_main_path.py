"""README's main path, in a fresh folder, as a user types it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset
from tests.conftest import REPOSITORY
from transformers import pipeline

from faceproof.storage import hash_file

# What makes the commands quick here; everything else is typed as README has it.
SHORTER = {
    "dataset_builder/build_dataset.py": ["--autoencoder_steps", "20"],
    "training/train.py": ["--num_train_epochs", "1"],
    "question_01/measure.py": ["--seeds", "20"],
    "question_02/audit.py": ["--images", "40"],
    "question_04/show_store.py": ["--passes", "1"],
}


def read_commands() -> list[list[str]]:
    """The command lines of README's main path."""
    section = (REPOSITORY / "README.md").read_text().split("## The main path")[1]
    block = re.split(r"```", section)[1]
    return [shlex.split(line) for line in block.strip().splitlines()]


def list_tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    return listed.strip("\0").split("\0")


def is_demo_current() -> bool:
    """True where `make demo` was run with the files as they are now."""
    made_by = REPOSITORY / "build/demo.made_by"
    if not made_by.is_file():
        return False
    noted = {line[66:]: line[:64] for line in made_by.read_text().splitlines()}
    tracked = [REPOSITORY / name for name in list_tracked()]
    return all(
        one.is_file() and noted.get(one.relative_to(REPOSITORY).as_posix()) == hash_file(one)
        for one in tracked
    )


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Where the main path was walked, and what its steps said.

    By `make demo` where that was done with these very files, as it is in CI; else in a fresh copy
    of the tracked files.
    """
    if is_demo_current():
        log = (REPOSITORY / "build/demo.log").read_text()
        return REPOSITORY, [log] * len(read_commands())
    folder = tmp_path_factory.mktemp("fresh") / "faceproof"
    for name in list_tracked():
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(folder / "src"),
    }
    said = []
    for command in read_commands():
        extra = [word for name, words in SHORTER.items() if name in command for word in words]
        done = subprocess.run(
            [*command, *extra],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        fine = {0, 3} if "question_02/audit.py" in command else {0}  # 3: it found something
        assert done.returncode in fine, f"{shlex.join(command)}\n{done.stderr}"
        said.append(done.stdout)
    return folder, said


def test_the_demo_is_the_main_path() -> None:
    """`make demo` runs the scripts of README's main path, in its order, and nothing else."""
    planned = subprocess.run(
        ["make", "-n", "--no-print-directory", "path", "ROOT=build/demo"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = planned.replace("\\\n", " ").strip().splitlines()
    named = [
        next(word for word in command if word.endswith(".py") or word.startswith("faceproof."))
        for command in (*map(shlex.split, lines), *read_commands())
    ]
    assert named[: len(lines)] == named[len(lines) :]


def test_every_step_says_where_its_product_is(walked: tuple[Path, list[str]]) -> None:
    folder, said = walked
    for text, place in zip(
        said,
        (
            "mini_dataset.zip",
            "figures",
            "build/demo/training",
            "predictions.csv",
            "report.html",
            "loopback",
            "build/demo/README.md",
        ),
        strict=True,
    ):
        assert place in text
    for product in (
        "mini_dataset.zip",
        "question_03/predictions.csv",
        "audit/report.html",
        "training/config.json",
    ):
        assert (folder / "build" / "demo" / product).is_file()


def test_the_dataset_and_the_model_open_with_stock_calls(
    walked: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, _ = walked
    splits = load_dataset(str(folder / "dataset_builder"), cache_dir=str(tmp_path))
    assert splits["test"].num_rows == 320
    classify = pipeline("image-classification", model=str(folder / "build" / "demo" / "training"))
    answers = classify(splits["test"][0]["image"])
    assert {answer["label"] for answer in answers} == {"real", "fake"}


def test_the_path_writes_to_ignored_places_only(walked: tuple[Path, list[str]]) -> None:
    folder, _ = walked
    if folder == REPOSITORY:  # .ci/run asks git the same
        return
    built = ("data", "README.md", "DATASHEET.md", "croissant.json")
    ignored = ("build", *(f"dataset_builder/{name}" for name in built))
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(ignored) and "__pycache__" not in name:
            tracked = REPOSITORY / name
            assert tracked.is_file(), name
            assert path.read_bytes() == tracked.read_bytes(), name


def test_results_name_their_command_and_inputs(walked: tuple[Path, list[str]]) -> None:
    folder, _ = walked
    result = json.loads((folder / "build/demo/training/results.json").read_text())
    assert "training/train.py --config training/tiny.yaml" in result["provenance"]["command"]
    assert str(folder) not in json.dumps(result)
