"""The benchmark runs and counts; how fast is for a quiet machine."""

import json
from pathlib import Path

from tests.conftest import run_script

from faceproof.data.forgery import NAMES


def test_the_benchmark_times_every_method_and_growing_builds(tmp_path: Path) -> None:
    done = run_script(
        "-m", "benchmarks.speed.measure_builds", "--work", str(tmp_path / "work"),
        "--results", str(tmp_path / "results.json"), "--photos", "1", "--repeats", "1",
        "--records", "45", "90",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "results.json").read_text())["values"]
    assert all(values[f"fakes_per_second_{name}"] > 0 for name in NAMES)
    assert all(values[f"records_per_second_{size}"] > 0 for size in (45, 90))
