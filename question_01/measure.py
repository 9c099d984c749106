"""Show question 1 on the built dataset: metadata, contact sheet, uniform sampling.

    python question_01/measure.py --dataset dataset_builder --root build/demo

Reads the dataset folder. Writes results, an excerpt of the metadata and figures to question_01/
below the root.
"""

from faceproof import console, settings
from faceproof.data.settings import DemonstrationSettings


def main() -> int:
    """Read, draw, test, write."""
    run = settings.read(DemonstrationSettings, __doc__)

    import demonstration
    from faceproof import results
    from faceproof.data import exports, shards, tables
    from faceproof.reports import figures

    place = run.root / "question_01"
    fingerprint = shards.verify(run.dataset)
    splits = tables.open_dataset(run.dataset)
    table = tables.to_frame(splits)

    p_values = demonstration.compare_samplers(table, run)
    demonstration.write_excerpt(table, place / "metadata.csv")
    values = demonstration.summarise(table, p_values, run)
    values |= demonstration.measure_content_sizes(splits, run.seed)
    results.write(place / "results.json", values, results.Run(run, {"dataset": fingerprint}))

    figures.draw_p_values(p_values, place / "figures" / "sampling.png")
    shown = exports.pick_split(splits["test"], "test", run.photos)
    sheet = demonstration.arrange_sheet(shown)
    figures.draw_triplets(sheet, str(table["source"][0]), place / "figures" / "triplets.png")
    console.say(f"figures      {place / 'figures'}")
    return 0


if __name__ == "__main__":
    console.run(main)
