import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from faceproof import results
from faceproof.errors import InputError
from faceproof.reports import render, summary
from faceproof.reports.numbers import SOURCES, Numbers
from faceproof.reports.render import render_environment
from faceproof.reports.templates import render_template
from faceproof.results import REPOSITORY


def run(*words: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["render", *words])
        return render.main()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the tracked results."""
    for place in [*SOURCES.values(), render.METADATA_TABLE]:
        (tmp_path / place).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(REPOSITORY / place, tmp_path / place)
    return tmp_path


def test_a_changed_number_makes_its_page_stale_until_rendered(root: Path) -> None:
    words = ["--root", str(root)]
    assert run(*words) == 0
    assert run(*words, "--check") == 0
    path = root / "dataset_builder" / "results.json"
    path.write_text(path.read_text().replace('"people": 40', '"people": 41'))
    with pytest.raises(InputError, match=r"stale pages: question_01/README\.md"):
        run(*words, "--check")
    assert "41 people" not in (root / "question_01/README.md").read_text()
    assert run(*words) == 0
    assert "41 people" in (root / "question_01/README.md").read_text()


def test_missing_results_say_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make results"):
        run("--root", str(tmp_path))


def test_a_missing_table_says_what_to_run(root: Path) -> None:
    (root / render.METADATA_TABLE).unlink()
    with pytest.raises(InputError, match="make results"):
        run("--root", str(root))


def test_a_number_that_was_not_measured_stops_the_page() -> None:
    numbers = Numbers(results.ResultFile({"a": 1}, {}, "sample"))
    assert numbers.a == 1
    with pytest.raises(AttributeError, match="no value b"):
        _ = numbers.b
    with pytest.raises(InputError, match="cannot render"):
        render_template("question_02/report.html.j2", images=3)


def test_a_setting_that_a_run_did_not_use_is_empty_and_one_it_never_had_stops_the_page() -> None:
    numbers = Numbers(results.ResultFile({}, {"settings": {"side": 192, "view": None}}, "sample"))
    assert numbers.setting("side") == numbers.setting_if_any("side") == "192"
    assert numbers.setting_if_any("view") == numbers.setting_if_any("leave_out") == ""
    with pytest.raises(KeyError):
        numbers.setting("leave_out")


def test_an_interval_carries_count_and_size() -> None:
    values = {"x": 0.5, "x_low": 0.25, "x_high": 0.75, "x_n": 12}
    text = Numbers(results.ResultFile(values, {}, "sample")).interval("x", 2)
    assert text == "0.50 (95 % interval 0.25 to 0.75, n = 12, sample)"


def open_numbers(values: dict[str, results.Scalar]) -> Numbers:
    return Numbers(results.ResultFile(values, {}, "sample"))


def test_a_short_value_has_no_negative_nothing() -> None:
    values: dict[str, results.Scalar] = {
        "x": -0.001,
        "x_low": -0.2,
        "x_high": 0.1,
        "y": 3,
        "z": None,
    }
    numbers = open_numbers(values)
    assert [numbers.short(name) for name in "xyz"] == ["0.00 (-0.20 to 0.10)", "3", ""]


def test_failures_come_first() -> None:
    values = {"a_outcome": "pass", "b_outcome": "fail", "c_outcome": "fail"}
    assert [code for code, _ in open_numbers({**values}).ranked_findings()] == ["b", "c", "a"]


def test_the_bench_is_told_by_counts() -> None:
    numbers = open_numbers(
        {
            "codec_meant_for": "shortcut_codec", "codec_detection_rate": 0.95,
            "codec_detection_rate_n": 20, "codec_detection_rate_low": 0.75,
            "codec_detection_rate_high": 0.999, "codec_shortcut_codec_rate": 0.95,
            "codec_slices_rate": 0.5, "codec_calibration_rate": 0.4,
            "shortcut_codec_false_fail_rate": 0.0, "slices_false_fail_rate": 0.01,
            "slices_false_fail_rate_n": 100, "slices_false_fail_rate_low": 0.0,
            "slices_false_fail_rate_high": 0.2, "calibration_false_fail_rate": 0.0,
        }
    )  # fmt: skip
    assert numbers.share("codec_detection_rate") == "19 of 20 (0.75-1.00)"
    assert numbers.share("slices_false_fail_rate") == "1 of 100 (0.00-0.20)"
    assert numbers.ranked("codec_", "_rate")[:2] == ["detection", "shortcut_codec"]


def test_the_conda_environment_is_the_tracked_one_and_lists_what_is_installed() -> None:
    text = render_environment((REPOSITORY / "pyproject.toml").read_text())
    assert text == (REPOSITORY / "environment.yaml").read_text()
    environment = yaml.safe_load(text)
    packages = environment["dependencies"][-1]["pip"]
    assert (packages[0], packages[-1]) == ("-c constraints.txt", "-e .")
    for line in packages[1:-1]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(version(requirement.name)), line


def test_constraints_pin_every_dependency() -> None:
    pinned = {
        canonicalize_name(line.split("==")[0])
        for line in (REPOSITORY / "constraints.txt").read_text().split()
    }
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(line for extra in extras for line in extra)]
    named = {canonicalize_name(Requirement(line).name) for line in wanted}
    assert named - {project["name"]} <= pinned


def test_the_summary_names_places_and_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["summary", "--root", str(REPOSITORY)])
    assert summary.main() == 0
    said = capsys.readouterr().out
    for word in (
        "mini_dataset.zip",
        "model",
        "predictions.csv",
        "report.html",
        "n = 320",
        "sample",
    ):
        assert word in said
