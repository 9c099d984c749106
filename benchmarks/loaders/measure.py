r"""Measure everything question 4 claims about speed, beside what others offer; most of an hour.

    python -m benchmarks.loaders.measure --work build/bench --results question_04/results.json \
        --figures question_04/figures

Starts SeaweedFS on 127.0.0.1 and proxies that add latency. Writes the same images in every
contender's format; races loaders, one process each, in turn; draws custom datasets out of ten
million rows; writes and reads a million images. Run it on an idle machine by `make bench`, which
makes the environments of LitData and MDS. What was measured stays in the work folder, so that a run
that was stopped goes on.
"""

import datasets

from benchmarks.loaders import charts, suite
from faceproof import console, results, settings


def main() -> int:
    """Measure, conclude, draw."""
    datasets.disable_progress_bars()
    run = settings.read(suite.RaceSettings, __doc__)
    values, memory = suite.measure_all(run)
    place = "S3 server and latency proxy on loopback"
    results.write(run.results, values, results.Run(run, place=place))
    charts.draw_race(run.results, run.figures / "race.png")
    charts.draw_resampling(run.results, run.figures / "resampling.png")
    charts.draw_growth(memory, run.results, run.figures / "growth.png")
    console.say(f"results      {run.results}")
    console.say(f"figures      {run.figures}")
    return 0


if __name__ == "__main__":
    console.run(main)
