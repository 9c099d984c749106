"""Make a custom dataset of a store: a small file of rows; no image is copied.

    python question_04/make_view.py --store s3://bucket/faces --uniform 100000 --output even.parquet
    python question_04/make_view.py --store s3://bucket/faces --output sharp.parquet \
        --sql "SELECT row FROM metadata WHERE width >= 256 AND label = 1"
    python question_04/make_view.py --store s3://bucket/faces --output half.parquet \
        --parent sharp.parquet --sql "SELECT row FROM metadata WHERE rank % 2 = 0"

`--uniform` draws evenly over the declared strata and reads little; `--sql` asks DuckDB. With
`--materialise copy.parquet` the view's rows are also copied to a file that needs no store.
"""

from faceproof import console, settings
from faceproof.scale.settings import ViewSettings


def main() -> int:
    """Make the view, save it, perhaps copy its rows."""
    run = settings.read(ViewSettings, __doc__)

    from faceproof.buckets import Bucket
    from faceproof.scale import exports, stores, views

    store = stores.open_store(Bucket(run.store))
    parent = None if run.parent is None else views.read_view(run.parent, store)
    view = views.make_view(run, store, parent)
    view.save(run.output)
    console.say(f"view             {run.output}: {len(view)} rows of {len(store)} images")
    if run.materialise is not None:
        exports.materialise(store, view, run.materialise)
        console.say(f"copied           {run.materialise}")
    return 0


if __name__ == "__main__":
    console.run(main)
