r"""Simulate how often the intervals hold the truth: AUROC, rates, differences, everything else.

    python -m benchmarks.coverage.measure --work build/coverage \
        --results question_02/results_coverage.json --figure question_02/figures/coverage.png

Reads nothing. Writes a result file and a figure. It can be stopped: each cell leaves a file in
`work`.
"""

from benchmarks.coverage import charts, simulate
from faceproof import console, results, settings


def main() -> int:
    """Simulate what is missing, sum up, draw."""
    run = settings.read(simulate.CoverageSettings, __doc__)
    simulate.run_cells(run)
    outcomes = simulate.read_outcomes(run.work)
    results.write(run.results, simulate.summarise(outcomes), results.Run(run))
    charts.draw_coverage(outcomes, run.figure)
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
