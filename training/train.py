r"""Train the classifier on a built dataset, or on your own pictures of real and fake faces.

    accelerate launch training/train.py --config training/tiny.yaml
    accelerate launch training/train.py --config training/own.yaml --dataset faces --output_dir mine
    torchrun --nproc_per_node 2 training/train.py --config training/tiny.yaml
    accelerate launch training/train.py --config training/tiny.yaml --mask_weight 0 \
        --store s3://bucket/faces

Reads the pictures. The checkpoint, the temperature and the thresholds are chosen on validation;
test is read once, at the end. Writes into `output_dir`: the model, results.json, history.jsonl,
history.png and checkpoints. A run that was stopped goes on, and so does a finished one that is
given more epochs. With `--store` training images are streamed from a store of question 4.
"""

from dataclasses import asdict
from pathlib import Path

from faceproof import console
from faceproof.training.settings import read_arguments


def main() -> int:
    """Train, calibrate, measure, save."""
    run = read_arguments(__doc__)

    from faceproof import memory, results
    from faceproof.detector import calibration, models
    from faceproof.reports import figures
    from faceproof.training import evaluation, splits, trainer

    memory.keep_freed_memory()
    data, shortcuts = splits.open_splits(run)

    scorer = trainer.make_scorer(Path(__file__).with_name("detection_metric.py"))
    open_stream = None
    if run.data.store is not None:
        from faceproof.scale.training_streams import open_training

        open_stream = open_training
    fitted = trainer.fit(run, data, scorer, open_stream)
    if not console.is_main_process():
        return 0

    model, processor = fitted.model, fitted.processor
    scored = {name: evaluation.score_split(model, processor, data[name]) for name in run.measured}
    known = scored["validation"].keep(data["validation"].rows_without(run.data.leave_out))
    decision = calibration.calibrate(known.labels, known.margins, run.model.error_rate)
    values: dict[str, results.Measured | results.Scalar] = {**fitted.facts, **shortcuts}
    for name, split in scored.items():
        values |= evaluation.measure_whole(name, split, decision, run.training.seed)
    values |= asdict(decision)

    folder = run.output_dir
    models.add_model(model, processor, decision, folder, run.model.save_dtype)
    trainer.write_history(fitted.trainer.state.log_history, folder / "history.jsonl")
    made_of = {"dataset": data["train"].fingerprint}
    if init := models.hash_weights(run.model.model_name_or_path):
        made_of["init"] = init
    device = str(fitted.facts["trained_on"])
    results.write(
        folder / "results.json", values, results.Run(run.record(), made_of, device=device)
    )
    figures.draw_history(folder / "history.jsonl", folder / "history.png")
    if run.training.push_to_hub:
        fitted.trainer.push_to_hub()
    console.say(f"model        {folder}")
    console.say(f"results      {folder / 'results.json'}")
    return 0


if __name__ == "__main__":
    console.run(main)
