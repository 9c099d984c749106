"""The bench of question 4, small: it runs whole, with some of the peers."""

import json
import sys
from pathlib import Path

import pytest
from benchmarks.loaders import charts, races, resampling, suite
from benchmarks.loaders.corpora import Layout

from faceproof.buckets import Endpoint
from faceproof.errors import SettingsError


def settings_of(folder: Path) -> suite.RaceSettings:
    return suite.RaceSettings(
        work=folder / "work", results=folder / "r.json", figures=folder, peers=folder / "none",
        images=400, side=64, decoded_side=32, batch=16, latencies=[0], rows=[20_000],
        sizes=[10_000], repeats=1, size="sample",
    )  # fmt: skip


def test_every_part_leaves_its_numbers_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = ("webdataset", "objects_boto3")
    for module in (races, suite):
        monkeypatch.setattr(module, "PEERS", some)
    engines = {name: way for name, way in resampling.DECLARED.items() if name in ("ours", "polars")}
    for module in (resampling, suite):
        monkeypatch.setattr(module, "DECLARED", engines)
    run = settings_of(tmp_path)
    values, memory = suite.measure_all(run)
    for name in ("ours", "ours_cached", "decode_limit", *some):
        for latency in run.latencies:
            assert values[f"loader_{name}_{latency}ms_images_per_second"]
    assert values["loader_ratio_to_best_peer"]
    # an image is fetched by itself here, with its neighbours there
    assert float(values["loader_objects_boto3_0ms_requests_per_thousand"] or 0) >= 1000
    assert float(values["loader_ours_0ms_requests_per_thousand"] or 0) < 100
    assert values["declared_20000_ours_rows"] == values["declared_20000_polars_rows"] == 20_000
    assert values["sql_20000_ours_rows"] == values["sql_20000_duckdb_rows"]
    assert values["sql_20000_ours_rows"] == values["sql_20000_polars_rows"]
    assert values["growth_10000_read_images"] == 10_000
    assert values["client_boto3_megabytes_per_second"]
    assert float(values["profile_server_ms"] or 0) >= 0  # the system counts in hundredths of it

    def fail(*_: object) -> suite.Values:
        raise AssertionError("measured again")

    for part in ("_measure_race", "_profile", "_measure_resampling", "_measure_growth"):
        monkeypatch.setattr(suite, part, fail)
    again, _ = suite.measure_all(run)
    assert again == values
    run.results.write_text(json.dumps({"values": values}))
    charts.draw_race(run.results, tmp_path / "race.png")
    charts.draw_resampling(run.results, tmp_path / "resampling.png")
    charts.draw_growth(memory, run.results, tmp_path / "growth.png")


def test_sizes_that_do_not_fit_the_shards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="multiple"):
        suite.RaceSettings(tmp_path, tmp_path, tmp_path, images=801)
    with pytest.raises(SettingsError, match="repeats"):
        suite.RaceSettings(tmp_path, tmp_path, tmp_path, repeats=0)


def test_a_contender_that_fails_is_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Still:
        url = "http://127.0.0.1:9"

        def count(self) -> tuple[int, int]:
            return 0, 0

    for name in ("LIMIT", "OURS", "CACHED"):
        monkeypatch.setattr(races, name, "litdata")
    monkeypatch.setattr(races, "PEERS", ())
    layout = Layout("s3://a", [], [], 1.0)
    server = races.Server(Endpoint("http://127.0.0.1:9", "k", "s"), {0: Still()})  # type: ignore[dict-item]  # nothing goes through
    race = races.Race(10, 8, 2, 1, 1, 0)
    assert races.run_race(race, layout, server, {"litdata": Path(sys.executable)}, tmp_path) == []
    assert "No module named 'litdata'" in (tmp_path / "contender.log").read_text()
