import json
from pathlib import Path

import pytest
from benchmarks.audit import faults
from benchmarks.audit.faults import SOUND, FaultSettings, list_classifiers, locate, measure_bench
from benchmarks.audit.planted_sets import MEANT_FOR, build_evidence

from faceproof.audit.checks import CHECKS
from faceproof.errors import SettingsError
from faceproof.metrics import Measured
from faceproof.storage import claim_folder


def test_a_set_is_the_same_for_the_same_seed_and_planted_as_told() -> None:
    one, same, other = (build_evidence("resolution", seed) for seed in (4, 4, 5))
    assert one.read(1) == same.read(1) != other.read(1)
    sizes = {(label, one.picture(row).shape[0]) for row, label in enumerate(one.labels[:40])}
    assert sizes == {(0, 92), (1, 76)}
    assert one.read_mask(0) is None
    assert one.read_mask(1)


def test_each_fault_has_a_check_of_its_own_that_exists() -> None:
    assert set(MEANT_FOR.values()) <= set(CHECKS)
    assert len(MEANT_FOR) >= 10
    assert len(SOUND) >= 5


def test_the_table_counts_what_failed(tmp_path: Path) -> None:
    """The check meant for a fault found it once of twice; one sound audit raised one alarm."""
    run = FaultSettings(tmp_path, tmp_path / "r.json", seeds=2, seed=7)
    for name, fault in list_classifiers().items():
        for seed in (7, 8):
            told = dict.fromkeys(CHECKS, "pass")
            if fault is not None and seed == 7:
                told[MEANT_FOR[fault]] = "fail"
            if name == "sound_half" and seed == 8:
                told["slices"] = "fail"
            document = {"commit": "abc", "outcomes": told}
            locate(tmp_path, name, seed).write_text(json.dumps(document))
    values = measure_bench(run)
    found = values["codec_detection_rate"]
    assert isinstance(found, Measured)
    assert (found.value, found.n) == (0.5, 2)
    assert found.low < 0.05  # two of anything say little
    assert found.high > 0.95
    alarms = values["slices_false_fail_rate"]
    assert isinstance(alarms, Measured)
    assert (alarms.value, alarms.n) == (0.1, 10)
    assert alarms.high > 0.6  # five classifiers of a seed share its images: two seeds, not ten
    clean = values["sound_rate"]
    assert isinstance(clean, Measured)
    assert clean.value == 0.9
    assert values["codec_shortcut_codec_rate"] == 0.5
    assert values["sound_pass_mean"] == len(CHECKS) - 0.1
    assert values["sound_underpowered_mean"] == 0
    assert values["codec_leak_identity_rate"] == 0


def test_audits_that_are_done_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = FaultSettings(tmp_path, tmp_path / "r.json", seeds=1, seed=7)
    names = list(list_classifiers())
    claim_folder(tmp_path)
    for name in names[1:]:
        locate(tmp_path, name, 7).write_text("{}")
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(faults, "run_tasks", lambda work, tasks, *_: asked.extend(tasks))
    faults.run_bench(run)
    assert [task[:3] for task in asked] == [(tmp_path, names[0], 7)]


def test_no_seeds_no_bench(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="seeds"):
        FaultSettings(tmp_path, tmp_path, seeds=0)
