"""The protocol as its command runs it, on few people."""

import json
import shutil
from itertools import islice
from pathlib import Path

import pytest
import yaml
from benchmarks.leave_one_out.axes import measure_ablation, measure_methods
from benchmarks.leave_one_out.cells import Cell
from benchmarks.leave_one_out.protocol import (
    MAIN,
    ProtocolSettings,
    open_source,
    plan_ablation,
    plan_winner,
    run_cells,
)
from tests.conftest import NOTHING, REPOSITORY, run_script

from faceproof import settings
from faceproof.data.sources import orl
from faceproof.errors import SettingsError
from faceproof.metrics import Measured
from faceproof.training.augmentation import ABLATED

PEOPLE, PHOTOS_EACH = 15, 4


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of fifteen people, two families."""
    root = tmp_path_factory.mktemp("few")
    for photo in islice(orl.read(NOTHING), 10 * PEOPLE):
        if int(photo.path.stem) <= PHOTOS_EACH:
            place = root / "photos" / photo.identity_id / photo.path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo.path, place)
    done = run_script(
        "dataset_builder/build_dataset.py", "--config", "dataset_builder/folder.yaml",
        "--input", str(root / "photos"), "--output", str(root / "dataset"),
        "--exports", str(root / "out"), "--results", str(root / "results.json"),
        "--methods", "swap", "autoencoder", "--shams", "one", "--autoencoder_steps", "3",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root / "dataset"


@pytest.fixture(scope="module")
def protocol(few: Path) -> Path:
    """A recipe of the protocol with a network that trains in seconds."""
    recipe = yaml.safe_load((REPOSITORY / "benchmarks/leave_one_out/smallest.yaml").read_text())
    recipe |= {"hidden_sizes": [4, 4, 8], "num_train_epochs": 1, "use_cpu": True}
    recipe["cache_dir"] = str(few.parent / "pixels")
    (few.parent / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    words = {
        "recipe": str(few.parent / "recipe.yaml"), "sources": [f"{MAIN}={few}", f"orl={few}"],
        "work": str(few.parent / "work"), "results": str(few.parent / "results.json"),
        "figures": str(few.parent / "figures"), "seeds": 1, "method_seeds": 1,
        "processes": 1, "size": "sample",
    }  # fmt: skip
    (few.parent / "protocol.yaml").write_text(yaml.safe_dump(words))
    return few.parent / "protocol.yaml"


def test_every_axis_is_measured_and_a_second_run_trains_nothing(
    protocol: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = run_script("-m", "benchmarks.leave_one_out.measure", "--config", str(protocol))
    assert done.returncode == 0, done.stderr
    values = json.loads((protocol.parent / "results.json").read_text())["values"]
    assert values["winner"] in ABLATED
    for name in (
        "in_domain_auroc", "left_families_winner", "beats_lite0", "left_method_swap",
        f"from_{MAIN}_to_orl_auroc", f"from_{MAIN}_to_orl_control", "stress_web_auroc",
        "stress_hard_flips", "hard_low_light_false_alarms",
    ):  # fmt: skip
        assert values[f"{name}_low"] <= values[name] <= values[f"{name}_high"], name
    assert 0 <= values["ablation_none_in_domain"] <= 1
    # The other source is the same set: its real images cannot be told from those at home.
    assert values[f"from_{MAIN}_to_orl_control"] == 0.5
    assert (protocol.parent / "figures" / "ablation.png").stat().st_size > 10_000
    assert (protocol.parent / "figures" / "ladder.png").stat().st_size > 10_000

    run = settings.read(ProtocolSettings, None, ["--config", str(protocol)])
    home = open_source(run, MAIN)
    cells = [
        *plan_ablation(run, home["train"].families),
        *plan_winner(run, values["winner"], home["train"].methods),
    ]
    caplog.set_level("INFO")
    run_cells(run, cells)
    assert f"0 of {len(cells)} cells are still to be run" in caplog.text
    assert len(cells) == len(list(run.work.glob("cells/*.npz")))
    again = measure_ablation(run, home) | measure_methods(run, home, values["winner"])
    for name, value in again.items():
        wanted = value.value if isinstance(value, Measured) else value
        assert values[name] == pytest.approx(wanted, abs=1e-6), name


def test_a_cell_that_fails_stops_those_that_wait(protocol: Path) -> None:
    words = ["--config", str(protocol)]
    run = settings.read(ProtocolSettings, None, words)
    waiting = [Cell(MAIN, "none", "blend", seed) for seed in range(10, 16)]
    with pytest.raises(SettingsError, match="nobody"):
        run_cells(run, [Cell(MAIN, "none", "nobody", 9), *waiting])
    done = [cell for cell in waiting if (run.work / "cells" / f"{cell.name}.npz").exists()]
    assert len(done) < len(waiting)  # some were handed to the worker before
