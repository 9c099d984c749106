"""Train the classifier on the built dataset.

    accelerate launch training/train.py --config training/tiny.yaml
    torchrun --nproc_per_node 2 training/train.py --config training/tiny.yaml

Reads the dataset folder and refuses one that is not what its card says. The checkpoint, the
temperature and the threshold are chosen on validation; test is read once, at the end. Writes the
model folder, a result file and the training history.
"""

from pathlib import Path

from transformers import EarlyStoppingCallback, Trainer, set_seed

from faceproof import console, results, settings
from faceproof.data import shards, tables
from faceproof.learning import augmentation, batches, calibration, models, training
from faceproof.reports import figures


def main() -> int:
    """Train, calibrate, measure, save."""
    run = settings.read(training.TrainSettings, __doc__)
    fingerprint = shards.verify(run.dataset)
    splits = tables.open_dataset(run.dataset)

    set_seed(run.seed)
    model, processor = models.make_model(run.init, run.architecture)
    treatment = batches.Treatment(
        augment=augmentation.augment if run.augment else None,
        crop_pixels=run.crop_pixels if run.init == models.FROM_CONFIG else None,
        seed=run.seed,
    )
    unseen = {name: batches.Images(splits[name], processor) for name in ("validation", "test")}
    trainer = Trainer(
        model=model,
        args=training.make_arguments(run),
        train_dataset=batches.PhotoGroups(splits["train"], processor, treatment),
        eval_dataset=unseen["validation"],
        data_collator=batches.collate,
        compute_metrics=training.make_scorer(Path(__file__).with_name("detection_metric.py")),
        callbacks=[EarlyStoppingCallback(early_stopping_patience=run.patience)],
    )
    trainer.train()

    scored = {
        name: training.collect(trainer.predict(images), splits[name])
        for name, images in unseen.items()
    }
    decision = calibration.calibrate(scored["validation"].labels, scored["validation"].margins)
    values: dict[str, results.Measured | results.Scalar] = {}
    for name, split in scored.items():
        values |= training.measure_split(name, split, decision, run.seed)
    if trainer.is_world_process_zero():
        models.save_model(trainer.model, processor, decision, run.output)
        training.write_history(trainer.state.log_history, run.history)
        values |= training.describe_run(trainer, decision)
        results.write(
            run.results,
            values,
            results.Run(run, {"dataset": fingerprint}),
        )
        figures.draw_history(run.history, run.figure)
        console.say(f"model        {run.output}")
        console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
