r"""Time audits of a thousand, ten thousand and a hundred thousand images, and their memory.

    python -m benchmarks.audit.measure_growth --model build/demo/training \
        --work build/audit_growth --results question_02/results_growth.json

Makes the images from the photos that come with the packages. Writes a result file; run it on an
idle machine.
"""

import datasets

from benchmarks.audit import growth
from faceproof import console, results, settings


def main() -> int:
    """Make images, audit them, write."""
    datasets.disable_progress_bars()
    run = settings.read(growth.GrowthSettings, __doc__)
    results.write(run.results, growth.time_audits(run), results.Run(run, {}))
    console.say(f"growth       {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
