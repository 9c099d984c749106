r"""Pretrain a network of your own design: it learns a pretrained network's features of faces.

    torchrun --nproc_per_node 2 training/pretrain.py --config training/pretrain.yaml
    torchrun --nproc_per_node 2 training/train.py --config training/release.yaml \
        --init build/release/pretrained --side_pixels 96

Reads the images of training, never a label, and what EfficientNet-lite0 sees in them; writes a
folder for `train.py --init` and a result file: how much of those features it gives on validation.
What training leaves out must be left out here too; train.py refuses it otherwise. A run that was
stopped goes on.
"""

from faceproof import console, memory, results, settings
from faceproof.learning import checkpoints, models, pools, pretraining, training


def main() -> int:
    """Pretrain, measure, save."""
    run = settings.read(pretraining.PretrainSettings, __doc__)
    memory.keep_freed_memory()
    data = pools.open_pools(run.dataset, run.cache)

    done = pretraining.pretrain(run, data["train"])
    if not console.is_main_process():
        return 0
    measured = pretraining.measure(done, data["validation"], run)

    seen = models.Seen(data["train"].fingerprint, run.leave_out)
    models.save_backbone(done.model, done.processor, seen, run.output)
    training.write_history(done.history, run.history)
    inputs = {"dataset": data["train"].fingerprint}
    results.write(run.results, {**done.facts, **measured}, results.Run(run, inputs))
    checkpoints.finish(run.work)
    console.say(f"pretrained   {run.output}")
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
