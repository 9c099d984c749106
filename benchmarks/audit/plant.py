"""Plant one mistake in a dataset: its fakes are saved at another JPEG quality than its photos.

    python -m benchmarks.audit.plant --dataset dataset_builder --output build/planted

Reads a dataset folder, writes another, which train.py and audit.py take as they do any. Forgeries,
masks and splits stay as they are.
"""

import datasets

from benchmarks.audit import worked_case
from faceproof import console, results, settings


def main() -> int:
    """Save the fakes again, write the set."""
    datasets.disable_progress_bars()
    run = settings.read(worked_case.PlantSettings, __doc__)
    values = worked_case.plant(run)
    if run.results is not None:
        results.write(run.results, values, results.Run(run, {}))
    console.say(f"planted      {run.output}")
    return 0


if __name__ == "__main__":
    console.run(main)
