import json
import subprocess
from pathlib import Path

import pytest

from faceproof import results
from faceproof.errors import InputError

RUN = results.Run(settings={"output": "/somewhere/else/file"}, seed=3, size="sample")


def test_a_measured_value_is_flat_with_count_and_interval(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write(path, {"auroc": results.Measured(0.75, 40, 0.6, 0.9), "images": 40}, RUN)
    assert results.read(path).values == {
        "auroc": 0.75, "auroc_n": 40, "auroc_low": 0.6, "auroc_high": 0.9, "images": 40,
    }  # fmt: skip


def test_provenance_says_what_ran_and_no_foreign_path(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results.write(path, {}, RUN)
    read = results.read(path)
    assert read.size == "sample"
    assert {"command", "commit", "dirty", "date", "seed", "device", "versions"} <= set(
        read.provenance
    )
    assert read.provenance["settings"] == {"output": "file"}
    assert "/somewhere" not in path.read_text()


def test_paths_inside_the_working_folder_become_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = results.Run({"output": str(tmp_path / "a" / "b")}, 0, "full")
    results.write(tmp_path / "r.json", {}, run)
    assert results.read(tmp_path / "r.json").provenance["settings"] == {"output": "a/b"}


def test_a_run_outside_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results.write(tmp_path / "r.json", {}, RUN)
    assert results.read(tmp_path / "r.json").provenance["commit"] == "not a git checkout"


def test_changed_code_is_dirty_and_changed_results_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("code.py", "results.json"):
        (tmp_path / name).write_text("1")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], check=True)
    (tmp_path / "results.json").write_text("2")
    results.write(tmp_path / "out.json", {}, RUN)
    assert results.read(tmp_path / "out.json").provenance["dirty"] is False
    (tmp_path / "code.py").write_text("2")
    results.write(tmp_path / "out.json", {}, RUN)
    assert results.read(tmp_path / "out.json").provenance["dirty"] is True


@pytest.mark.parametrize("text", [None, "{", json.dumps({"values": {}})])
def test_a_file_that_is_no_result_file_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="result file"):
        results.read(path)
