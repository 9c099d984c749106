r"""Time prediction against the stock pipeline, and a training step against the bare model.

    python -m benchmarks.speed.measure_prediction --model build/portraits/training \
        --recipe training/portraits.yaml --faces build/portraits/test_faces.zip \
        --results training/results_speed.json

Reads a model that `training/export.py` has exported, cropped faces with known truth, and the
recipe's dataset. Writes a result file; run it on an idle machine.
"""

from benchmarks.speed import prediction
from faceproof import console, results, settings


def main() -> int:
    """Time, measure what faster arithmetic costs, write."""
    run = settings.read(prediction.SpeedSettings, __doc__)
    values = prediction.time_predictions(run)
    values |= prediction.time_detection(run)
    values |= prediction.measure_precisions(run)
    values |= prediction.time_training(run)
    results.write(run.results, values, results.Run(run, {}))
    console.say(f"speeds       {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
