r"""Time a build: fakes per second of each method, and whole builds of growing size.

    python -m benchmarks.speed.measure_builds --work build/throughput \
        --results dataset_builder/results_throughput.json

Reads the ORL photos. Writes a result file; run it on an idle machine.
"""

import datasets

from benchmarks.speed import builds
from faceproof import console, results, settings
from faceproof.data import plans
from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest


def main() -> int:
    """Plan, train, time, write."""
    datasets.disable_progress_bars()
    run = settings.read(builds.ThroughputSettings, __doc__)
    plan = plans.make_plan(orl.read(SourceRequest(None, run.work)), run.seed)
    networks = builds.train_networks(plan, run)
    values = builds.time_methods(plan, networks, run) | builds.time_builds(plan, run)
    results.write(run.results, values, results.Run(run, {}))
    console.say(f"throughput   {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
