"""The speed benchmark as its command runs it, small."""

import json
from pathlib import Path

import yaml
from tests.conftest import REPOSITORY, run_script

from faceproof.data.inputs.archives import open_archive


def test_every_way_is_timed_and_judged(dataset: Path, model: Path, tmp_path: Path) -> None:
    recipe = yaml.safe_load((REPOSITORY / "training" / "tiny.yaml").read_text())
    recipe |= {"dataset": str(dataset), "per_device_train_batch_size": 8, "use_cpu": True}
    recipe["cache_dir"] = str(dataset.parent / "pixels")
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    archive = open_archive(dataset.parent / "exports" / "test_faces.zip")
    for image in archive.images[:24]:
        place = tmp_path / "faces" / archive.truth[image.name].label / Path(image.name).name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(image.read())
    done = run_script(
        "-m", "benchmarks.speed.measure_prediction", "--model", str(model),
        "--faces", str(tmp_path / "faces"), "--recipe", str(tmp_path / "recipe.yaml"),
        "--results", str(tmp_path / "speeds.json"),
        "--images", "12", "--passes", "1", "--steps", "2",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    values = json.loads((tmp_path / "speeds.json").read_text())["values"]
    for way in ("pipeline", "fp32", "bf16", "fp32_aligned"):
        assert values[f"images_per_second_{way}"] > 0
        assert values[f"speedup_{way}_n"] == 1
    assert values["speedup_pipeline"] == 1.0
    assert values["largest_move_fp32"] == values["flips_fp32"] == 0.0
    assert values["auroc_images"] == 24
    assert values["detection_images"] == 12
    assert values["step_images"] == 8
    assert values["step_milliseconds"] > 0
    assert values["loader_overhead_n"] == 1
