import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from faceproof import results
from faceproof.errors import InputError
from faceproof.metrics import Measured


@dataclass(frozen=True)
class Settings:
    output: Path = Path("/somewhere/else/file")
    seed: int = 3
    rate: float = 0.5
    size: str = "full"


RUN = results.Run(Settings(), {"photos": "abc"})


def test_a_measured_value_is_flat_with_count_and_interval(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write(path, {"auroc": Measured(0.75, 40, 0.6, 0.9), "images": 40}, RUN)
    assert results.read(path).values == {
        "auroc": 0.75, "auroc_n": 40, "auroc_low": 0.6, "auroc_high": 0.9, "images": 40,
    }  # fmt: skip


def test_provenance_says_what_ran_and_no_foreign_path(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write(path, {}, RUN)
    read = results.read(path)
    assert read.size == "full"
    assert {"command", "commit", "dirty", "date", "seed", "device", "versions"} <= set(
        read.provenance
    )
    assert read.provenance["settings"] == {
        "output": "file", "seed": 3, "rate": 0.5, "size": "full",
    }  # fmt: skip
    assert read.provenance["seed"] == 3
    assert read.provenance["inputs"] == {"photos": "abc"}
    assert "/somewhere" not in path.read_text()


def test_paths_inside_the_working_folder_become_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = results.Run(Settings(output=tmp_path / "a" / "b"))
    results.write(tmp_path / "r.json", {}, run)
    recorded = results.read(tmp_path / "r.json").provenance["settings"]
    assert isinstance(recorded, dict)
    assert recorded["output"] == "a/b"


def test_a_run_outside_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "REPOSITORY", tmp_path)
    results.write(tmp_path / "r.json", {}, RUN)
    assert results.read(tmp_path / "r.json").provenance["commit"] == "not a git checkout"


def test_changed_or_new_code_is_dirty_and_changed_results_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "REPOSITORY", tmp_path)

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)

    def is_dirty() -> object:
        results.write(tmp_path / "out.json", {}, RUN)
        return results.read(tmp_path / "out.json").provenance["dirty"]

    for name in ("code.py", "results.json"):
        (tmp_path / name).write_text("1")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    (tmp_path / "results.json").write_text("2")
    assert is_dirty() is False
    (tmp_path / "new.py").write_text("1")
    assert is_dirty() is True
    (tmp_path / "new.py").unlink()
    (tmp_path / "code.py").write_text("2")
    assert is_dirty() is True


@pytest.mark.parametrize("text", [None, "{", json.dumps({"values": {}})])
def test_a_file_that_is_no_result_file_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="result file"):
        results.read(path)
