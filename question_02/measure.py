"""Plant faults in small classifiers, make sound ones beside them, audit all, count what is found.

    python question_02/measure.py --work build/audit_bench --results question_02/results.json

Needs nothing but the photos that come with the packages. Writes a result file. It can be stopped:
each audit leaves a file in `work`.
"""

from faceproof import console, results, settings
from faceproof.audit import benches


def main() -> int:
    """Run the audits that are missing, count, write."""
    run = settings.read(benches.BenchSettings, __doc__)
    benches.run_bench(run)
    results.write(run.results, benches.measure_bench(run), results.Run(run))
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
