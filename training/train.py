r"""Train the classifier on the built dataset.

    accelerate launch training/train.py --config training/tiny.yaml
    torchrun --nproc_per_node 2 training/train.py --config training/tiny.yaml
    accelerate launch training/train.py --config training/tiny.yaml --mask_weight 0 \
        --data s3://bucket/faces

Reads the dataset folder and refuses one that is not what its card says. The checkpoint, the
temperature and the thresholds are chosen on validation; test is read once, at the end. Writes the
model folder, a result file and the training history. A run that was stopped goes on. With `--data`
training images are streamed from a store of question 4.
"""

from dataclasses import asdict
from pathlib import Path

from faceproof import console, settings
from faceproof.training.settings import TrainSettings


def main() -> int:
    """Train, calibrate, measure, save."""
    run = settings.read(TrainSettings, __doc__)

    from faceproof import memory, results
    from faceproof.detector import calibration, models
    from faceproof.reports import figures
    from faceproof.training import checkpoints, evaluation, splits, trainer

    memory.keep_freed_memory()
    data = splits.load_splits(run.dataset, run.cache)

    scorer = trainer.make_scorer(Path(__file__).with_name("detection_metric.py"))
    open_stream = None
    if run.data is not None:
        from faceproof.scale.training_streams import open_training

        open_stream = open_training
    fitted = trainer.fit(run, data, scorer, open_stream)
    if not console.is_main_process():
        return 0

    model, processor = fitted.model, fitted.processor
    scored = {name: evaluation.score_split(model, processor, data[name]) for name in run.measured}
    known = scored["validation"].keep(data["validation"].rows_without(run.leave_out))
    decision = calibration.calibrate(known.labels, known.margins, run.error_rate)
    values: dict[str, results.Measured | results.Scalar] = {**fitted.facts}
    for name, split in scored.items():
        values |= evaluation.measure_whole(name, split, decision, run.seed)
    values |= asdict(decision)

    models.save_model(model, processor, decision, run.output, run.weights)
    trainer.write_history(fitted.history, run.history)
    made_of = {"dataset": data["train"].fingerprint}
    if init := models.hash_weights(run.init):
        made_of["init"] = init
    device = str(fitted.facts["trained_on"])
    results.write(run.results, values, results.Run(run, made_of, device=device))
    figures.draw_history(run.history, run.figure)
    checkpoints.finish(run.work)
    console.say(f"model        {run.output}")
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
