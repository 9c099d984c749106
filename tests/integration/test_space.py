"""The Space: laid out, pushed to a Hub on loopback, and run as Spaces run it."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from huggingface_hub import RepoCard
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name
from PIL import Image
from tests.conftest import REPOSITORY, run_script
from tests.loopback_hub import TOKEN, serve_hub

from faceproof.data.images import Pixels

PUSH = ("training/push_space.py", "--repository", "user/page")


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the Hub holds after a push, as a folder."""
    root = tmp_path_factory.mktemp("space")
    with serve_hub() as hub:
        environment = {**os.environ, **hub.environment(root / "home")}
        done = subprocess.run(
            [sys.executable, *PUSH], cwd=REPOSITORY, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert TOKEN not in done.stdout + done.stderr
        for path, data in hub.files("spaces", "user/page").items():
            place = root / "page" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    return root / "page"


def test_a_dry_run_lists_and_sends_nothing() -> None:
    done = run_script(*PUSH, "--dry_run")
    assert done.returncode == 0, done.stderr
    for name in ("app.py", "README.md", "requirements.txt", "model/model.safetensors"):
        assert re.search(rf"^ *\d+ {re.escape(name)}$", done.stdout, re.MULTILINE)
    assert "nothing was sent" in done.stdout


def test_its_card_says_how_it_is_run(space: Path) -> None:
    card = RepoCard.load(space / "README.md", repo_type="space")
    assert card.data.sdk == "gradio"
    assert card.data.app_file == "app.py"
    assert card.data.sdk_version == distribution("gradio").version
    assert len(card.data.short_description) <= 60
    pinned = (space / "requirements.txt").read_text().splitlines()
    assert f"gradio=={card.data.sdk_version}" in pinned


SPEAK = """
import atexit, json, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
sys.argv = ["app.py", "--port", sys.argv[1]]
@atexit.register
def tell():
    ours = [one.__file__ for name, one in sys.modules.items() if name.startswith("faceproof")]
    print(json.dumps(ours), file=sys.stderr)
runpy.run_path("app.py", run_name="__main__")
"""


def test_it_runs_from_its_own_folder_on_what_it_requires(
    space: Path, face: Pixels, tmp_path: Path
) -> None:
    Image.fromarray(face).save(tmp_path / "face.png")
    words = [sys.executable, "-c", SPEAK, "0"]
    environment = {**os.environ, "PYTHONPATH": str(space)}
    with subprocess.Popen(
        words, cwd=space, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as served:
        assert served.stdout is not None
        lines = (re.search(r"http://\S+", line) for line in served.stdout)
        address = next(filter(None, lines))[0]
        said, drawn = Client(address, verbose=False).predict(
            handle_file(tmp_path / "face.png"), api_name="/judge"
        )
        served.send_signal(2)  # as Ctrl-C
        _, errors = served.communicate()
    assert "Calibrated probability of fake" in said
    assert Path(drawn).is_file()
    ours = [Path(place) for place in json.loads(errors.splitlines()[-1])]
    assert space / "faceproof/app/page.py" in ours
    assert all(place.is_relative_to(space) for place in ours)
    assert find_missing(ours, (space / "requirements.txt").read_text()) == set()


def find_brought(names: Iterable[str]) -> set[str]:
    """Distributions that come with these, and these."""
    waiting = list(names)
    brought: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name not in brought:
            brought.add(name)
            needed = map(Requirement, distribution(name).requires or [])
            waiting += [
                one.name
                for one in needed
                if one.marker is None or one.marker.evaluate({"extra": ""})
            ]
    return brought


def find_missing(sources: list[Path], requirements: str) -> set[NormalizedName]:
    """Distributions that these modules import and that the requirements would not bring."""
    brought = find_brought(Requirement(line).name for line in requirements.splitlines())
    homes = packages_distributions()
    names = {name for source in sources for name in list_imports(source)}
    return {
        canonicalize_name(homes[name][0]) for name in (names & set(homes)) - {"faceproof"}
    } - brought


def list_imports(source: Path) -> Iterator[str]:
    """What a module imports, by the first part of the name, but itself."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
