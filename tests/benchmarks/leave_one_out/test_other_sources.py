"""Saved models away from home; the models are untrained, so what is known of them is simple."""

from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.leave_one_out import other_sources
from benchmarks.leave_one_out.axes import Values
from benchmarks.leave_one_out.cells import Cell
from benchmarks.leave_one_out.protocol import MAIN, ProtocolSettings
from tests.conftest import DECISION, TINY
from tests.unit.training.conftest import load, make_rows

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.detector.models import make_model, save_model
from faceproof.metrics import Measured
from faceproof.records import Split
from faceproof.training import corruptions
from faceproof.training.splits import LoadedSplit

RECIPE = Path(__file__).parents[3] / "benchmarks/leave_one_out/smallest.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, face: Pixels) -> ProtocolSettings:
    work = tmp_path_factory.mktemp("work")
    for source in (MAIN, "orl"):
        for seed in range(2):
            cell = Cell(source, "none", None, seed)
            model, processor = make_model("config", TINY)
            decision = replace(DECISION, real_below=0.0, fake_from=0.0)  # everything is fake
            save_model(model, processor, decision, work / "cells" / f"{cell.name}.model")
    for label in ("real", "fake"):
        (work / "others" / label).mkdir(parents=True)
        for number in range(3):
            data = encode_jpeg(face // (number + 1), 90, 0)
            (work / "others" / label / f"{number}.jpg").write_bytes(data)
    (work / "others" / "real" / "broken.jpg").write_bytes(b"no image")
    return ProtocolSettings(
        recipe=RECIPE, sources=[f"{MAIN}=unused", "orl=unused"], work=work, results=work,
        figures=work, others=[f"folder={work / 'others'}"], seeds=2,
    )  # fmt: skip


def value_of(values: Values, name: str) -> float:
    found = values[name]
    assert isinstance(found, Measured)
    return found.value


def splits(pool: LoadedSplit) -> dict[Split, LoadedSplit]:
    return {"train": pool, "validation": pool, "test": pool}


def test_the_same_faces_elsewhere_are_told_apart_by_nothing(
    run: ProtocolSettings, pool: LoadedSplit
) -> None:
    """Both sources hold the same images: the control between their reals must be one half."""
    values = other_sources.measure_transfer(run, {MAIN: splits(pool), "orl": splits(pool)}, "none")
    for home, away in ((MAIN, "orl"), ("orl", MAIN)):
        assert value_of(values, f"from_{home}_to_{away}_control") == 0.5
        assert value_of(values, f"from_{home}_to_{away}_false_alarms") == 1.0
    assert value_of(values, f"from_{MAIN}_to_folder_auroc") == pytest.approx(0.5)
    assert values["faces_folder_left_out"] == 1


def test_stresses_count_verdicts_that_flip_and_stay_on_disk(
    run: ProtocolSettings, pool: LoadedSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: corruptions.STRESSES[name] for name in ("jpeg_30", "web")}
    monkeypatch.setattr(other_sources, "STRESSES", {**few, "same": lambda pixels, rng: pixels})
    monkeypatch.setattr(other_sources, "_STRESSED", 1)
    values = other_sources.measure_stresses(run, splits(pool), "none")
    assert values["stress_images"] == len(pool.table)
    assert value_of(values, "stress_same_flips") == 0.0
    assert value_of(values, "stress_same_auroc") == value_of(values, "stress_as_is_auroc")

    def refuse(*_: object) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(other_sources, "score_split", refuse)
    assert other_sources.measure_stresses(run, splits(pool), "none") == values


def test_hard_reals_are_photos_alone(run: ProtocolSettings, face: Pixels, tmp_path: Path) -> None:
    people = load(make_rows(face, 6), tmp_path)  # four are too few for an interval
    values = other_sources.measure_hard_reals(run, splits(people), "none")
    assert value_of(values, "hard_low_light_false_alarms") == 1.0  # these models cry always
    found = values["hard_as_is_false_alarms"]
    assert isinstance(found, Measured)
    assert found.n <= 6
