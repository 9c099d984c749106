r"""Teach a small network what a large one says: for pages, phones and millions of images.

    python training/teach.py --config training/release_small.yaml

The small network is EfficientNet-lite0. It never sees a label: it learns the large network's
probabilities of every changed view. Reads training and validation, never test. Writes a model
folder and a result file.
"""

from dataclasses import asdict

from faceproof import console, settings
from faceproof.training.tuning_settings import TeachRun


def main() -> int:
    """Draw views, ask the teacher, train, calibrate, measure, save."""
    run = settings.read(TeachRun, __doc__)

    import torch

    from faceproof import results
    from faceproof.detector import models
    from faceproof.detector.calibration import calibrate
    from faceproof.detector.clip import SIDE_PIXELS
    from faceproof.detector.released import find_released
    from faceproof.storage import hash_file
    from faceproof.training import evaluation, splits, subsets, tuning, views

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = splits.load_splits(run.dataset, run.work / "pixels")
    train, validation = data["train"], data["validation"]
    learned, asked = subsets.choose_train(train, run), subsets.choose_validation(validation, run)
    plan = views.ViewPlan(run.views, SIDE_PIXELS, run.augment, run.seed)
    pool = subsets.make_pool(
        train.table.iloc[learned], views.open_views(train, learned, plan, run.work / "views")
    )

    place = run.teacher or find_released()
    teacher, its_processor, _ = models.load_model(str(place))
    subsets.check_teacher(teacher.config, place)
    taught = tuning.compute_shares(
        teacher.to(device), pool.views, tuning.make_normaliser(its_processor, device)
    )
    student, processor = models.make_small(run.side_pixels)
    how = tuning.TuneSettings(
        run.steps, run.batch, learning_rate=run.learning_rate, decay=run.decay, seed=run.seed,
        label_smoothing=0.0,
    )  # fmt: skip
    normalise = tuning.make_normaliser(processor, device)
    tuning.tune(student.to(device), pool, how, normalise, taught)

    student = models.round_weights(student.cpu(), "fp16").eval()
    scored = evaluation.score_split(student, processor, validation, asked)
    cells = subsets.name_cells(validation.table.iloc[asked])
    decision = calibrate(scored.labels, scored.margins, run.error_rate, cells)
    values = evaluation.measure_whole("validation", scored, decision, run.seed)

    models.save_model(student, processor, decision, run.output, "fp16")
    made_of = {"dataset": train.fingerprint, "teacher": hash_file(place / models.WEIGHTS)}
    written = {**values, **asdict(decision)}
    results.write(run.results, written, results.Run(run, made_of, device=device.type))
    console.say(f"model        {run.output}")
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
