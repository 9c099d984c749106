r"""Measure a trained model on a built dataset: every metric, by method, source and person.

    python training/measure_model.py --model training/released --dataset build/release/dataset \
        --cache build/pixels --results build/release/measured.json

Reads validation and test of a dataset that build_dataset.py made, and the model's stored decision.
With `--stresses` the images are measured again after each change: cut, without colour, sent on.
Writes a result file. Test is for models that are finished: leave it out while deciding.
"""

from faceproof import console, memory, results, settings
from faceproof.learning import breakdowns, measuring, models, pools, stresses
from faceproof.storage import hash_file


def main() -> int:
    """Score and measure the splits."""
    run = settings.read(breakdowns.MeasureSettings, __doc__)
    memory.keep_freed_memory()
    data = pools.open_pools(run.dataset, run.cache)
    model, processor, decision = models.load_model(str(run.model))

    values: dict[str, results.Measured | results.Scalar] = {}
    for name in run.splits:
        asked = data[name].rows_from(run.sources)
        scored = measuring.score_split(model, processor, data[name], asked)
        values |= breakdowns.measure_whole(name, scored, decision, run.seed)
        for stress in console.progress(
            run.stresses, f"{name} under stress", "kinds", len(run.stresses)
        ):
            change = stresses.STRESSES[stress]
            scored = measuring.score_split(model, processor, data[name], asked, change)
            named = f"{name}_{stress}"
            values |= measuring.measure_split(named, scored, decision, run.seed)
            values |= breakdowns.measure_sources(named, scored, decision, run.seed)

    inputs = {
        "dataset": data["train"].fingerprint, "model": hash_file(run.model / models.WEIGHTS)
    }  # fmt: skip
    results.write(run.results, values, results.Run(run, inputs))
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
