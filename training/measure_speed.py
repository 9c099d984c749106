r"""Time prediction against the stock pipeline, and a training step against the bare model.

    python training/measure_speed.py --model build/portraits/model \
        --recipe training/portraits.yaml --faces build/portraits/test_faces.zip \
        --results training/results_speed.json

Reads a model that `training/export.py` has exported, cropped faces with known truth, and the
recipe's dataset. Writes a result file; run it on an idle machine.
"""

from faceproof import console, results, settings
from faceproof.learning import speeds


def main() -> int:
    """Time, measure what faster arithmetic costs, write."""
    run = settings.read(speeds.SpeedSettings, __doc__)
    values = speeds.time_predictions(run)
    values |= speeds.time_detection(run)
    values |= speeds.measure_precisions(run)
    values |= speeds.time_training(run)
    results.write(run.results, values, results.Run(run, {}))
    console.say(f"speeds       {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
