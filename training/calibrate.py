r"""Fit a trained model's temperature and limits again: to your own data, or to larger inputs.

    python training/calibrate.py --model build/released --dataset build/folder/dataset \
        --cache build/pixels --output build/folder/model --results build/folder/calibrated.json

Weights stay as they are. Reads validation of a dataset that build_dataset.py made, never test.
Limits hold for images like those they were fitted on: with another camera, crop or site, fit again.
Networks of convolutions take another `--side_pixels`. One trained with `--augmentation wild` saw
squares cut out of faces, and whole faces look like these when the input is larger. What that does
to fakes it never saw is another matter: see EXPERIMENTS.md. The model that is read stays as it is.
"""

from dataclasses import asdict

from faceproof import console, settings
from faceproof.training.settings import CalibrateSettings


def main() -> int:
    """Resize, score validation, calibrate, save."""
    run = settings.read(CalibrateSettings, __doc__)

    from faceproof import memory, results
    from faceproof.detector import calibration, models, preprocessing
    from faceproof.storage import hash_file
    from faceproof.training import evaluation, splits, subsets

    memory.keep_freed_memory()
    validation = splits.load_splits(run.dataset, run.cache)["validation"]
    model, processor, before = models.load_model(str(run.model))
    weights = models.read_weights(run.model)
    if run.side_pixels:
        preprocessing.resize_input(model, processor, run.side_pixels)

    inputs = {
        "dataset": validation.fingerprint, "model": hash_file(run.model / models.WEIGHTS)
    }  # fmt: skip
    scored = evaluation.score_split(model, processor, validation)
    decision = calibration.calibrate(
        scored.labels, scored.margins, run.error_rate or before.error_rate,
        subsets.name_cells(validation.table),
    )  # fmt: skip
    measured = evaluation.measure_whole("validation", scored, decision, run.seed)

    models.save_model(model, processor, decision, run.output, weights)
    results.write(run.results, {**measured, **asdict(decision)}, results.Run(run, inputs))
    console.say(f"model        {run.output}")
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
