"""What the pages tell a reader to open, run or import is there."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from tests.conftest import REPOSITORY, run_script

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.inputs.archives import write_zip
from faceproof.detector.released import find_released


def list_pages() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [REPOSITORY / line for line in listed.stdout.splitlines()]


PAGES = list_pages()
COMMANDS = ("python", "make", "accelerate", "torchrun")  # others are not ours to check


def by_name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def read_blocks(page: Path, kind: str) -> Iterator[str]:
    """Fenced blocks of a kind (empty for none), without their fences."""
    for found in re.finditer(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
        if found[1] == kind:
            yield found[2]


def read_commands(page: Path) -> Iterator[list[str]]:
    """Command lines of the page: blocks without a language, and inline code that begins as one."""
    lines = [line for block in read_blocks(page, "") for line in block.splitlines()]
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"commit \w{12}[^`]{0,40}`[^`]+`", "", prose)  # a command of that commit
    inline = re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", prose)
    lines += [code for code in inline if re.match(r"(python|make|accelerate|torchrun) \S", code)]
    for line in lines:
        for part in re.sub(r"\s# .*", "", line).split("&&"):
            words = shlex.split(part.replace("...", "").replace("\n", " "))
            if words and words[0] in COMMANDS:
                yield words


@cache
def read_options(script: str) -> frozenset[str]:
    said = run_script(script, "--help")
    assert said.returncode == 0, said.stderr
    return frozenset(re.findall(r"--\w+", said.stdout))


@cache
def list_targets() -> frozenset[str]:
    makefile = (REPOSITORY / "Makefile").read_text()
    return frozenset(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"(https://|mailto:)", target):
            continue
        path, _, anchor = target.partition("#")
        place = (page.parent / path).resolve() if path else page
        assert place.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)", place.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
            assert anchor in slugs, target


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_name_scripts_recipes_and_options_that_are_there(page: Path) -> None:
    for words in read_commands(page):
        if words[0] == "make":
            named = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
            assert set(named) <= list_targets(), words
        else:
            check_script(words)


def check_script(words: list[str]) -> None:
    if "-m" in words[:2]:
        assert find_spec(words[2]) is not None, words
        return
    script = next((word for word in words if word.endswith(".py")), None)
    if script is None:
        return
    assert (REPOSITORY / script).is_file(), words
    given = words[words.index(script) + 1 :]
    assert {word for word in given if word.startswith("--")} <= read_options(script), words
    for recipe in (word for word in given if word.endswith(".yaml")):
        assert (REPOSITORY / recipe).is_file(), words


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_tables_are_whole(page: Path) -> None:
    """As GitHub reads them: a head, a line of dashes, and as many cells in every row."""
    outside = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", outside, re.MULTILINE):
        rows = table.splitlines()
        assert len(rows) > 2, table
        assert re.fullmatch(r"\|(?:\s*:?-+:?\s*\|)+", rows[1]), rows[:2]
        cells = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
        assert len(set(cells)) == 1, [row for row in rows if row.count("|") != cells[0]]


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_blocks_of_python_compile_and_import_what_there_is(page: Path) -> None:
    for block in read_blocks(page, "python"):
        compile(block, str(page), "exec")
        for name in re.findall(r"^(?:from|import) (\w+)", block, re.MULTILINE):
            assert find_spec(name) is not None, block


@pytest.mark.parametrize("page", ["README.md", "hub_card.md"])
def test_blocks_of_python_run(page: str, tmp_path: Path, face: Pixels) -> None:
    Image.fromarray(face[10:102]).save(tmp_path / "face.jpg")
    Image.fromarray(face).save(tmp_path / "photo.jpg")
    (tmp_path / "training").symlink_to(REPOSITORY / "training")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/released").symlink_to(find_released())
    blocks = list(read_blocks(REPOSITORY / page, "python"))
    assert blocks
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_make_predict_turns_a_zip_into_a_csv(tmp_path: Path, face: Pixels) -> None:
    write_zip(tmp_path / "my_faces.zip", {"a.jpg": encode_jpeg(face, 90, 0)})
    block = next(one for one in read_blocks(REPOSITORY / "README.md", "") if "make predict" in one)
    command = next(line for line in block.splitlines() if line.startswith("make predict"))
    done = subprocess.run(
        [word.replace("=my_", f"={tmp_path}/my_") for word in command.split()], cwd=REPOSITORY,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (
        (tmp_path / "my_faces.csv")
        .read_text()
        .startswith('"image","score","label","reason"\n"a.jpg",')
    )


def test_the_cards_metadata_is_what_the_hub_reads() -> None:
    from huggingface_hub import ModelCard  # noqa: PLC0415  # needed by this test alone

    card = ModelCard.load(REPOSITORY / "hub_card.md")
    results = card.data.eval_results or []
    assert len({result.dataset_config for result in results}) == len(results) >= 15
    assert all(0 <= result.metric_value <= 1 for result in results)
    assert card.data.license == "other"
    assert card.data.license_name
    assert card.data.pipeline_tag == "image-classification"
