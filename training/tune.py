r"""Tune CLIP on a built dataset: low-rank adapters and three labels, as the released detector has.

    python training/tune.py --config training/release.yaml
    python training/tune.py --config training/release.yaml --leave_out omi hardfake congress warp \
        --output build/left/adapters --model build/left/model --results build/left/results.json

Linear heads on frozen features are fitted first and measured beside the tuned network: a network
that does not beat them is not worth its time. Reads training and validation, never test. Runs on a
GPU if torch finds one. Writes the adapters, the verdict's limits, the network with the adapters
merged in, and a result file.
"""

from dataclasses import asdict

from faceproof import console, settings
from faceproof.training.tuning_settings import TuneRun


def main() -> int:
    """Draw views, fit the heads, tune, calibrate, measure, save."""
    run = settings.read(TuneRun, __doc__)

    import numpy as np
    import torch

    from faceproof import results
    from faceproof.detector import merging
    from faceproof.detector.calibration import calibrate, to_margins
    from faceproof.detector.clip import SIDE_PIXELS
    from faceproof.training import evaluation, heads, splits, subsets, tuning, views

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = splits.load_splits(run.dataset, run.work / "pixels")
    train, validation = data["train"], data["validation"]
    learned, asked = subsets.choose_train(train, run), subsets.choose_validation(validation, run)
    plan = views.ViewPlan(run.views, SIDE_PIXELS, run.augment, run.seed)
    seen = views.open_views(train, learned, plan, run.work / "views")
    unseen = views.open_views(validation, asked, plan.unchanged(), run.work / "views")
    pool = subsets.make_pool(train.table.iloc[learned], seen)

    network, normalise = tuning.open_network(run.blocks, device)
    by_heads = heads.score_unseen(network, seen, unseen, pool.kinds, normalise)
    how = tuning.TuneSettings(
        run.steps, run.batch, run.rank, learning_rate=run.learning_rate, decay=run.decay,
        seed=run.seed,
    )  # fmt: skip
    adapted = tuning.add_adapters(network, how)
    tuning.tune(adapted, pool, how, normalise)
    by_network = to_margins(tuning.compute_logits(adapted, unseen, normalise))

    known = np.isin(asked, subsets.rows_without(validation, run.leave_out))
    cells = subsets.name_cells(validation.table.iloc[asked])
    values: dict[str, results.Measured | results.Scalar] = {"trained_on": device.type}
    for name, margins in (("heads", by_heads), ("validation", by_network)):
        scored = evaluation.ScoredSplit(validation, asked, margins.astype(np.float64))
        decision = calibrate(
            scored.labels[known], scored.margins[known], run.error_rate, cells[known]
        )
        values |= evaluation.measure_whole(name, scored, decision, run.seed)
    values |= asdict(decision)

    tuning.save_adapters(adapted, decision, run.output)
    merging.save_merged(adapted.float(), decision, run.model)
    made_of = {"dataset": train.fingerprint}
    results.write(run.results, values, results.Run(run, made_of, device=device.type))
    console.say(f"adapters     {run.output}")
    console.say(f"model        {run.model}")
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
