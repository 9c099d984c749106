r"""Measure a trained model on a built dataset: every metric, by method, source and person.

    python training/measure_model.py --model build/released --dataset build/release/dataset \
        --cache build/pixels --results build/release/measured.json

Reads validation and test of a dataset that build_dataset.py made, and the model's stored decision.
With `--stresses` the images are measured again after each change: cut, without colour, sent on.
Writes a result file. Test is for models that are finished: leave it out while deciding.
"""

from faceproof import console, settings
from faceproof.training.settings import MeasureSettings


def main() -> int:
    """Score and measure the splits."""
    run = settings.read(MeasureSettings, __doc__)

    from faceproof import memory, results
    from faceproof.detector import models
    from faceproof.storage import hash_file
    from faceproof.training import corruptions, evaluation, splits, subsets

    memory.keep_freed_memory()
    data = splits.load_splits(run.dataset, run.cache)
    model, processor, decision = models.load_model(str(run.model))
    model = models.cast(model, run.precision)

    inputs = {
        "dataset": data["train"].fingerprint, "model": hash_file(run.model / models.WEIGHTS)
    }  # fmt: skip
    values: dict[str, results.Measured | results.Scalar] = {}
    for name in run.splits:
        asked = subsets.choose_among(
            data[name].table, data[name].rows_from(run.sources), run.forgeries, run.shams, run.seed
        )
        kept = evaluation.KeptScores(run.scores, (*inputs.values(), name, run.precision))
        scored = kept.score(model, processor, data[name], asked)
        values |= evaluation.measure_whole(name, scored, decision, run.seed)
        for stress in console.progress(
            run.stresses, f"{name} under stress", "kinds", len(run.stresses)
        ):
            change = corruptions.STRESSES[stress]
            kept = evaluation.KeptScores(
                run.scores, (*inputs.values(), name, run.precision, stress)
            )
            scored = kept.score(model, processor, data[name], asked, change)
            named = f"{name}_{stress}"
            values |= evaluation.measure_split(named, scored, decision, run.seed)
            values |= evaluation.measure_sources(named, scored, decision, run.seed)

    results.write(run.results, values, results.Run(run, inputs))
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
