"""Charts are drawn from result files as they are written."""

import json
from pathlib import Path

from PIL import Image

from faceproof.reports import charts


def write(path: Path, values: dict[str, float]) -> Path:
    path.write_text(json.dumps({"values": values}))
    return path


def width_of(path: Path) -> int:
    with Image.open(path) as picture:
        return picture.width


def test_the_race_shows_every_contender_at_every_latency(tmp_path: Path) -> None:
    values: dict[str, float] = {
        f"loader_{name}_{ms}ms_images_per_second": rate + ms
        for name, rate in (("ours", 300), ("webdataset", 200), ("decode_limit", 400))
        for ms in (0, 25, 100)
    }
    values["loader_ours_cached_0ms_second_images_per_second"] = 1.0
    charts.draw_race(write(tmp_path / "r.json", values), tmp_path / "race.png")
    assert width_of(tmp_path / "race.png") > 500


def test_resampling_has_a_panel_for_each_question(tmp_path: Path) -> None:
    values = {
        f"{kind}_{rows}_{name}_seconds": seconds
        for kind in ("declared", "sql") for rows in (1000, 10_000)
        for name, seconds in (("ours", 0.1), ("polars", 0.2))
    }  # fmt: skip
    charts.draw_resampling(write(tmp_path / "r.json", values), tmp_path / "a.png")
    assert width_of(tmp_path / "a.png") > 500


def test_growth_shows_rates_and_memory(tmp_path: Path) -> None:
    values = {
        f"growth_{size}_{what}_seconds": size / 1000
        for size in (10_000, 100_000) for what in ("write", "read")
    }  # fmt: skip
    memory = {"10000": [100.0, 120.0], "100000": [100.0, 130.0, 131.0]}
    charts.draw_growth(memory, write(tmp_path / "r.json", values), tmp_path / "g.png")
    assert width_of(tmp_path / "g.png") > 500
