r"""Plant faults in small classifiers, make sound ones beside them, audit all, count what is found.

    python -m benchmarks.audit.measure_faults --work build/audit_bench \
        --results question_02/results.json

Needs nothing but the photos that come with the packages. Writes a result file. It can be stopped:
each audit leaves a file in `work`.
"""

from benchmarks.audit import faults
from faceproof import console, results, settings


def main() -> int:
    """Run the audits that are missing, count, write."""
    run = settings.read(faults.FaultSettings, __doc__)
    faults.run_bench(run)
    results.write(run.results, faults.measure_bench(run), results.Run(run))
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
