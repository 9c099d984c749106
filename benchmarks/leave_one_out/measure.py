"""Run the protocol of question 3 and measure: ablation, what is left out, other sources, stresses.

    python -m benchmarks.leave_one_out.measure --config benchmarks/leave_one_out/protocol.yaml

Reads built datasets. Trains the smallest model some two hundred times, hours on two cores; what is
done stays in `work`, so it can be stopped and started. Writes a result file and figures.
"""

from benchmarks.leave_one_out import axes, cells, charts, other_sources, protocol
from faceproof import console, memory, results, settings


def main() -> int:
    """Run the cells, choose the winner on validation, measure every axis."""
    run = settings.read(protocol.ProtocolSettings, __doc__)
    memory.keep_freed_memory()
    pools = {source: protocol.open_source(run, source) for source in run.datasets}
    home = pools[protocol.MAIN]
    families, methods = home["train"].families, home["train"].methods

    ablation = protocol.plan_ablation(run, families)
    protocol.run_cells(run, ablation)
    values = axes.measure_choice(run, home)
    winner, recipes = axes.choose_recipes(values, families)
    values["winner"] = winner
    console.say(f"winner       {winner}, chosen on validation")

    others = protocol.plan_winner(run, winner, methods)
    protocol.run_cells(run, others)
    values["trained_by"] = cells.read_commits([*ablation, *others], run.work / "cells")
    values |= axes.measure_ablation(run, home)
    values |= axes.measure_in_domain(run, home, winner)
    values |= axes.measure_families(run, home, recipes)
    values |= axes.measure_methods(run, home, winner)
    values |= other_sources.measure_transfer(run, pools, winner)
    values |= other_sources.measure_stresses(run, home, winner)
    values |= other_sources.measure_hard_reals(run, home, winner)

    inputs = {source: one["test"].fingerprint for source, one in pools.items()}
    results.write(run.results, values, results.Run(run, inputs))
    charts.draw_ablation(run.results, run.figures / "ablation.png")
    charts.draw_ladder(run.results, run.figures / "ladder.png")
    console.say(f"results      {run.results}")
    return 0


if __name__ == "__main__":
    console.run(main)
