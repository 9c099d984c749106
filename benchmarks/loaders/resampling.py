"""Custom datasets out of a million and ten million rows: ours beside engines alone, from S3."""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.loaders.corpora import list_lance_options
from faceproof.buckets import Bucket, Endpoint
from faceproof.console import progress
from faceproof.results import Scalar
from faceproof.scale.locations import Columns
from faceproof.scale.metadata import HASH, order_rows, write_metadata
from faceproof.scale.stores import DataFile, Manifest, open_store, publish_store
from faceproof.scale.views import draw_uniform, select

STRATA = ("label", "sex", "age")  # 2 x 2 x 7 cells
_CELLS = 28
_BALANCED = 100_000 // _CELLS  # of each cell
_SOURCES = 12
_CAP = 2000  # rows of a source and sex, in the query
_FEW_ROWS, _AS_OFTEN = 1_000_000, 5  # so few take milliseconds, which need more repeats
_QUERY = (
    "SELECT row FROM metadata WHERE label = 1 AND sharpness > 2.5 AND age BETWEEN 2 AND 5 "
    "QUALIFY row_number() OVER (PARTITION BY source, sex ORDER BY {order}) <= " + str(_CAP)
)


@dataclass(frozen=True)
class Place:
    """Metadata of so many rows on a server: our store, and the same rows in one plain file."""

    endpoint: Endpoint
    rows: int
    seed: int
    scratch: Path

    @property
    def store(self) -> Bucket:
        """Where our store lies."""
        return Bucket(f"s3://bench/metadata-{self.rows}", self.endpoint)

    @property
    def plain(self) -> str:
        """The plain file, as bucket and key."""
        return f"bench/plain-{self.rows}.parquet"


def make_rows(rows: int, seed: int) -> pa.Table:
    """Metadata of images that do not exist: labels, a source, a measure, a hash, a row number."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "row": pa.array(np.arange(rows)),
            "label": pa.array(rng.integers(2, size=rows).astype(np.int8)),
            "sex": pa.array(rng.integers(2, size=rows).astype(np.int8)),
            "age": pa.array(rng.integers(7, size=rows).astype(np.int8)),
            "source": pa.array(rng.integers(_SOURCES, size=rows).astype(np.int16)),
            "sharpness": pa.array(rng.normal(2.5, 0.4, rows).astype(np.float32)),
            "hash": pa.array(rng.integers(2**63, size=rows).astype(np.uint64)),
        }
    )


def lay_out_rows(place: Place) -> dict[str, Scalar]:
    """Put both forms on the server; how long ours took and how large they are."""
    table = make_rows(place.rows, place.seed)
    place.scratch.mkdir(parents=True, exist_ok=True)
    path = place.scratch / "plain.parquet"
    pq.write_table(table, path, compression="ZSTD")
    Bucket("s3://bench", place.endpoint).put(Path(place.plain).name, path)
    plain_bytes = path.stat().st_size
    path.unlink()
    start = time.perf_counter()
    columns = Columns(strata=STRATA)
    named = table.rename_columns([HASH if one == "hash" else one for one in table.column_names])
    ordered, strata = order_rows(named, columns)
    metadata = write_metadata(place.store, ordered, strata, place.scratch)
    nowhere = DataFile("data/none.parquet", place.rows, 0, "index/none.parquet", 0, "")
    counts = {"images": place.rows}
    publish_store(place.store, Manifest(None, columns, (nowhere,), metadata, strata, counts))
    return {
        f"metadata_{place.rows}_write_seconds": time.perf_counter() - start,
        f"metadata_{place.rows}_bytes": sum(one.size_bytes for one in metadata),
        f"metadata_{place.rows}_plain_bytes": plain_bytes,
    }


def ours_declared(place: Place) -> int:
    """A draw over declared strata, opened, drawn and encoded as a view."""
    store = open_store(place.store)
    view = draw_uniform(store, _BALANCED * _CELLS, place.seed, "quota")
    view.encode()
    store.close()
    return len(view)


def ours_sql(place: Place) -> int:
    """A query by `select`; metadata are fetched anew."""
    with tempfile.TemporaryDirectory() as kept:
        return _ours_asked(place, Path(kept))


def ours_sql_again(place: Place) -> int:
    """The same with the metadata kept from before."""
    return _ours_asked(place, place.scratch / "again")


def _ours_asked(place: Place, kept: Path) -> int:
    store = open_store(place.store)
    view = select(store, _QUERY.format(order="rank"), kept)
    view.encode()
    store.close()
    return len(view)


def _open_arrow(place: Place) -> Any:
    from pyarrow import dataset, fs

    where = fs.S3FileSystem(
        access_key=place.endpoint.key, secret_key=place.endpoint.secret, region="us-east-1",
        endpoint_override=place.endpoint.url,
    )  # fmt: skip
    return dataset.dataset(place.plain, filesystem=where)


def duckdb_declared(place: Place) -> int:
    """DuckDB over a pyarrow dataset, a window over the hash."""
    query = (
        "SELECT row FROM metadata QUALIFY row_number() OVER "
        f"(PARTITION BY label, sex, age ORDER BY hash) <= {_BALANCED}"
    )
    return _ask_duckdb(place, query)


def duckdb_sql(place: Place) -> int:
    """The query by DuckDB over a pyarrow dataset."""
    return _ask_duckdb(place, _QUERY.format(order="hash"))


def _ask_duckdb(place: Place, query: str) -> int:
    with _open_duckdb().cursor() as engine:
        engine.register("metadata", _open_arrow(place))
        return len(engine.sql(query).to_arrow_table())


@cache
def _open_duckdb() -> Any:
    """One engine for all repeats, as ours has."""
    import duckdb

    return duckdb.connect(":memory:")


def _scan_polars(place: Place) -> Any:
    import polars

    return polars.scan_parquet(
        f"s3://{place.plain}",
        storage_options={
            "aws_access_key_id": place.endpoint.key, "aws_region": "us-east-1",
            "aws_secret_access_key": place.endpoint.secret,
            "aws_endpoint_url": place.endpoint.url, "aws_allow_http": "true",
        },
    )  # fmt: skip


def polars_declared(place: Place) -> int:
    """Polars, rank of the hash over the cells."""
    import polars as pl

    rank = pl.col("hash").rank("ordinal").over(*STRATA)
    return len(_scan_polars(place).filter(rank <= _BALANCED).select("row").collect())


def polars_sql(place: Place) -> int:
    """The query in Polars' own words."""
    import polars as pl

    chosen = _scan_polars(place).filter(
        (pl.col("label") == 1) & (pl.col("sharpness") > 2.5) & pl.col("age").is_between(2, 5)
    )
    rank = pl.col("hash").rank("ordinal").over("source", "sex")
    return len(chosen.filter(rank <= _CAP).select("row").collect())


def pandas_declared(place: Place) -> int:
    """Pandas: read the columns, sort, first of each group."""
    frame = _open_arrow(place).to_table(columns=["row", "hash", *STRATA]).to_pandas()
    return len(frame.sort_values("hash").groupby(list(STRATA)).head(_BALANCED))


def lance_declared(place: Place) -> int:
    """Lance: scan the columns, rank in pandas."""
    import lance

    path = f"s3://bench/rows-{place.rows}.lance"
    table = lance.dataset(path, storage_options=list_lance_options(place.endpoint)).to_table(
        columns=["row", "hash", *STRATA]
    )
    frame = table.to_pandas()
    return len(frame.sort_values("hash").groupby(list(STRATA)).head(_BALANCED))


def write_lance(place: Place) -> None:
    """The same rows in Lance's format."""
    import lance

    table = make_rows(place.rows, place.seed)
    path = f"s3://bench/rows-{place.rows}.lance"
    lance.write_dataset(table, path, storage_options=list_lance_options(place.endpoint))


DECLARED: dict[str, Callable[[Place], int]] = {
    "ours": ours_declared, "polars": polars_declared, "duckdb": duckdb_declared,
    "pandas": pandas_declared, "lance": lance_declared,
}  # fmt: skip
ASKED: dict[str, Callable[[Place], int]] = {
    "ours": ours_sql, "ours_again": ours_sql_again, "polars": polars_sql, "duckdb": duckdb_sql,
}  # fmt: skip


def time_resampling(places: Sequence[Place], repeats: int) -> dict[str, Scalar]:
    """Seconds of each way, from S3 to row numbers: medians of repeats in turn, one to warm up.

    Every way lives in a process of its own. Few rows are drawn from five times as often.
    """
    values: dict[str, Scalar] = {}
    for place in places:
        values |= lay_out_rows(place)
        with ProcessPoolExecutor(1, get_context("spawn")) as writer:
            writer.submit(write_lance, place).result()
        often = repeats * (_AS_OFTEN if place.rows <= _FEW_ROWS else 1)
        for kind, ways in (("declared", DECLARED), ("sql", ASKED)):
            values |= _time_ways(place, kind, ways, often)
    return values


def _time_ways(
    place: Place, kind: str, ways: dict[str, Callable[[Place], int]], repeats: int
) -> dict[str, Scalar]:
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    rows: dict[str, int] = {}
    pools = {name: ProcessPoolExecutor(1, get_context("spawn")) for name in ways}
    turns = [(turn, name) for turn in range(repeats + 1) for name in ways]
    for turn, name in progress(turns, f"{kind}, {place.rows} rows", "draws", len(turns)):
        took, rows[name] = pools[name].submit(partial(_time_once, ways[name]), place).result()
        if turn:
            seconds[name].append(took)
    for pool in pools.values():
        pool.shutdown()
    values: dict[str, Scalar] = {}
    for name, times in seconds.items():
        prefix = f"{kind}_{place.rows}_{name}"
        values[f"{prefix}_seconds"] = statistics.median(times)
        values[f"{prefix}_seconds_n"] = len(times)
        values[f"{prefix}_seconds_low"] = min(times)
        values[f"{prefix}_seconds_high"] = max(times)
        values[f"{prefix}_rows"] = rows[name]
    return values


def _time_once(way: Callable[[Place], int], place: Place) -> tuple[float, int]:
    start = time.perf_counter()
    rows = way(place)
    return time.perf_counter() - start, rows
