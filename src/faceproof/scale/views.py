"""Views: custom datasets that hold row numbers, and not one image byte.

A view is a small parquet file: rows of a store, ascending, and in its schema what made it (query,
seed) and of what (the store's or the parent view's fingerprint).
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faceproof.errors import InputError
from faceproof.scale.metadata import ROW, find_groups, read_columns, read_footer
from faceproof.scale.settings import Law, ViewSettings
from faceproof.scale.stores import Rows, Store, Stratum
from faceproof.storage import replacing

Where = Mapping[str, str | int | float | bool]

_FACTS = b"faceproof_view"
_TABLE = "metadata"


@dataclass(frozen=True)
class Facts:
    """How a view was made: `parent` is the fingerprint of the store or view it was made from."""

    store: str
    parent: str
    query: str
    seed: int | None


@dataclass(frozen=True)
class View:
    """Rows of a store, ascending, repeated where drawn more than once, shape (N,)."""

    rows: Rows
    facts: Facts

    @property
    def fingerprint(self) -> str:
        """SHA-256 of rows and how they came about, hexadecimal."""
        digest = hashlib.sha256(json.dumps(asdict(self.facts), sort_keys=True).encode())
        digest.update(self.rows.tobytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def encode(self) -> bytes:
        """The view as parquet."""
        table = pa.table({ROW: self.rows})
        table = table.replace_schema_metadata({_FACTS: json.dumps(asdict(self.facts))})
        sink = io.BytesIO()
        pq.write_table(
            table, sink, compression="ZSTD", use_dictionary=False,
            column_encoding={ROW: "DELTA_BINARY_PACKED"}, write_statistics=False,
        )  # fmt: skip
        return sink.getvalue()

    def save(self, path: Path) -> None:
        """Write the view, whole or not at all."""
        with replacing(path) as partial:
            partial.write_bytes(self.encode())


def read_view(path: Path, store: Store) -> View:
    """Read a view of a store.

    Raises:
        InputError: it is not a view, or one of another store.
    """
    try:
        table = pq.read_table(io.BytesIO(path.read_bytes()))
        facts = Facts(**json.loads((table.schema.metadata or {})[_FACTS]))
        view = _make(table, facts)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no view ({reason}); make one with `select`") from error
    if facts.store != store.fingerprint:
        raise InputError(
            f"{path} is a view of another store than {store.place.address}; make it anew"
        )
    if len(view.rows) and not 0 <= view.rows[0] <= view.rows[-1] < store.starts[-1]:
        raise InputError(f"{path} names rows that {store.place.address} does not have")
    return view


def make_view(run: ViewSettings, store: Store, parent: View | None) -> View:
    """The view that the settings ask for."""
    if run.sql is None:
        return draw_uniform(store, run.uniform, run.seed, run.law)
    return select(store, run.sql, run.cache, parent)


def view_all(store: Store) -> View:
    """Every image of a store."""
    places = np.concatenate([np.arange(one.rows) + one.start for one in choose_strata(store, {})])
    return _from_places(store, places, Facts(store.fingerprint, store.fingerprint, "all", None))


def draw_uniform(
    store: Store, count: int, seed: int, law: Law = "independent", where: Where | None = None
) -> View:
    """Draw evenly over the declared strata, reading some rows of each and not the table.

    Each stratum gives a stretch of its fixed shuffle that begins at a place drawn by the seed.

    Args:
        store: with declared strata.
        count: images to draw.
        seed: of the draw.
        law: `independent` draws a stratum, then an image of it, with replacement, which is uniform
            and independent over the labels (question 1); `quota` takes equally many different
            images of each stratum, or all of one that is too small.
        where: values that declared labels must have.

    Raises:
        InputError: no stratum fits, or `count` is below 1.
    """
    if count < 1:
        raise InputError(f"a sample of {count} images; ask for 1 or more")
    strata = choose_strata(store, where or {})
    rng = np.random.default_rng(seed)
    shares = zip(strata, _share_out(count, len(strata), law, rng), strict=True)
    places = np.concatenate(
        [one.start + _draw_stretch(one.rows, share, law, rng) for one, share in shares]
    )
    query = f"{count} uniform over {', '.join(store.manifest.columns.strata) or 'all'}, {law}"
    if where:
        query += f", where {json.dumps(dict(where), sort_keys=True)}"
    return _from_places(store, places, Facts(store.fingerprint, store.fingerprint, query, seed))


def choose_strata(store: Store, where: Where) -> list[Stratum]:
    """The strata whose labels have these values.

    Raises:
        InputError: a label was not declared, or no stratum fits.
    """
    names = store.manifest.columns.strata
    unknown = sorted(set(where) - set(names))
    if unknown:
        raise InputError(
            f"{', '.join(unknown)} is not declared, only {', '.join(names) or 'nothing'}; use SQL"
        )
    chosen = [
        one for one in store.manifest.strata
        if all(one.values[names.index(name)] == value for name, value in where.items())
    ]  # fmt: skip
    if not sum(one.rows for one in chosen):
        raise InputError(f"no image has {dict(where)}")
    return chosen


def _share_out(count: int, strata: int, law: Law, rng: np.random.Generator) -> list[int]:
    """Images for each stratum."""
    if law == "independent":
        return list(map(int, rng.multinomial(count, np.full(strata, 1 / strata))))
    shares = np.full(strata, count // strata)
    shares[rng.permutation(strata)[: count % strata]] += 1
    return list(map(int, shares))


def _draw_stretch(size: int, share: int, law: Law, rng: np.random.Generator) -> Rows:
    """Places in a stratum's shuffle, from a drawn one on and round its end.

    Drawing with replacement repeats some images; how many times each comes is drawn so, and which
    images these are is then the shuffle's own draw.
    """
    begin = int(rng.integers(size))
    if law == "quota":
        return (begin + np.arange(min(share, size))) % size
    _, times = np.unique(rng.integers(size, size=share), return_counts=True)
    return (begin + np.repeat(np.arange(len(times)), times)) % size


def _from_places(store: Store, places: Rows, facts: Facts) -> View:
    """Row numbers of metadata places, which may lie in several files."""
    rows, begin = [], 0
    for file in store.manifest.metadata:
        here = places[(places >= begin) & (places < begin + file.rows)] - begin
        begin += file.rows
        if not len(here):
            continue
        footer = read_footer(store.own_reader, file.key, file.size_bytes)
        groups, among = find_groups(footer.about, here)
        table = read_columns(store.own_reader, footer, lambda _: [ROW], groups)
        rows.append(table.column(ROW).to_numpy()[among])
    found = np.sort(np.concatenate(rows)).astype(np.int64)
    return View(found, facts)


def select(store: Store, query: str, folder: Path, parent: View | None = None) -> View:
    """Make a view by SQL over the table `metadata`.

    Args:
        store: whose metadata is asked; its files are fetched once and kept.
        query: any SELECT of DuckDB that gives a column `row`. Beside the dataset's own columns
            there are `row`, `stratum` and `rank`, the place in the stratum's fixed shuffle:
            `WHERE rank < 100` is a hundred random images of each stratum.
        folder: to keep metadata files in.
        parent: a view of the same store; then only its rows are seen, once for each time they come.

    Raises:
        InputError: the query fails, or gives no such column, or rows that are not there.
        StorageError: the metadata cannot be fetched.
    """
    files = store.fetch_metadata(folder)
    with _open_engine(str(folder.resolve()), os.getpid()).cursor() as engine:
        names = ", ".join(f"'{_quote(str(path.resolve()))}'" for path in files)
        whole = f"SELECT * FROM read_parquet([{names}])"
        if parent is not None:
            engine.register("parent_rows", pa.table({ROW: parent.rows}))
            whole = f"SELECT * FROM ({whole}) JOIN parent_rows USING ({ROW})"
        try:
            engine.execute(f"CREATE TEMP VIEW {_TABLE} AS {whole}")
            relation = engine.sql(query)
            answer = None if relation is None else relation.to_arrow_table()
        except duckdb.Error as error:
            raise InputError(f"the query failed: {' '.join(str(error).split())}") from error
    if answer is None:
        raise InputError("the query gives no rows; it must be a SELECT")
    made_from = store.fingerprint if parent is None else parent.fingerprint
    return _check(answer, Facts(store.fingerprint, made_from, query, None), store)


@cache
def _open_engine(folder: str, process: int) -> duckdb.DuckDBPyConnection:
    """An engine that sees files of one folder alone; opening one takes longer than many queries."""
    del process  # threads are lost in a fork
    engine = duckdb.connect(":memory:")
    engine.execute("SET autoinstall_known_extensions = false")
    engine.execute(f"SET allowed_directories = ['{_quote(folder)}/']")
    engine.execute("SET enable_external_access = false")
    return engine


def _check(answer: pa.Table, facts: Facts, store: Store) -> View:
    if ROW not in answer.column_names:
        raise InputError(f"the query gives {', '.join(answer.column_names)}; it must give `{ROW}`")
    try:
        view = _make(answer, facts)
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InputError(f"`{ROW}` must be whole numbers: {error}") from error
    if len(view.rows) and not 0 <= view.rows[0] <= view.rows[-1] < store.starts[-1]:
        raise InputError(f"the query gives rows that {store.place.address} does not have")
    return view


def _make(table: pa.Table, facts: Facts) -> View:
    if table.column(ROW).null_count:
        raise ValueError(f"`{ROW}` has nulls")
    rows = table.column(ROW).cast(pa.int64()).to_numpy()
    return View(np.sort(rows), facts)


def _quote(text: str) -> str:
    return text.replace("'", "''")
