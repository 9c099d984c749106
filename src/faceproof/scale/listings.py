"""Raw images of a place: their names, labels and whatever else a list of them says."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import PurePosixPath

import pyarrow as pa

from faceproof.buckets import Bucket
from faceproof.data.containers import HEAD_BYTES
from faceproof.data.inputs.archives import TRUTH_NAME
from faceproof.data.inputs.labels import LabelReader, describe_unknown, is_hidden
from faceproof.data.inputs.names import NameIndex, find_column, normalise
from faceproof.data.inputs.spreadsheets import Spreadsheet, read_spreadsheet
from faceproof.data.inputs.walks import Entry, Walk, choose, walk
from faceproof.errors import ImageError, InputError, StorageError

NAME, LABEL = "name", "label"
EXAMINED = pa.schema(
    [
        (NAME, pa.string()), ("sha256", pa.string()), ("perceptual_hash", pa.string()),
        ("width", pa.int32()), ("height", pa.int32()), ("size_bytes", pa.int64()),
        ("reason", pa.string()),
    ]
)  # of every image, before its label and further columns  # fmt: skip
_TAKEN = {"image", "", None, *EXAMINED.names, "row", "rank", "stratum"}


_AT_ONCE = 32  # first bytes that are asked for side by side
_PLAIN = LabelReader()


def list_source(source: Bucket, labels: LabelReader = _PLAIN) -> pa.Table:
    """Names of images, their label where the source states it, and further columns of its list.

    Args:
        source: of images, in folders that say what is real and fake, or with a `labels.csv`.
        labels: says what words mean real and fake.

    Raises:
        InputError: there is none, or the list cannot be read.
    """
    if source.is_web:
        return _read_truth(source, labels, None)
    found = walk(source.folder) if source.folder is not None else _walk_store(source)
    names = [one.name for one in found.images]
    if not names:
        raise InputError(f"no images in {source.address}, and no {TRUTH_NAME} that names some")
    if TRUTH_NAME in found.others:
        return _read_truth(source, labels, NameIndex(names))
    said = labels.read_folders(names)
    if said.unknown:
        raise InputError(describe_unknown(said.unknown))
    return pa.table(
        {NAME: names, LABEL: pa.array([said.labels.get(one) for one in names], pa.string())}
    )


def _walk_store(source: Bucket) -> Walk:
    """The same walk over an object store; first bytes are fetched where a name says nothing."""
    keys = {one.key: one.size_bytes for one in source.list()}
    unsaid = [key for key in keys if keys[key] and not PurePosixPath(key).suffix]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        heads = dict(zip(unsaid, pool.map(partial(_read_head, source, keys), unsaid), strict=True))
    return choose(_list_entries(source, keys, heads), source.address)


def _list_entries(source: Bucket, keys: dict[str, int], heads: dict[str, bytes]) -> Iterator[Entry]:
    for key in keys:
        read_head = partial(heads.__getitem__, key) if key in heads else partial(
            _read_head, source, keys, key
        )  # fmt: skip
        yield Entry(key, partial(source.get, key), read_head)


def _read_head(source: Bucket, keys: dict[str, int], key: str) -> bytes:
    try:
        return bytes(source.read(key, 0, min(HEAD_BYTES, keys[key]))) if keys[key] else b""
    except StorageError as error:
        raise ImageError("unreadable", str(error)) from error


def _read_truth(source: Bucket, labels: LabelReader, index: NameIndex | None) -> pa.Table:
    """The list that the source has; `index` finds its images where they can be listed."""
    where = f"{TRUTH_NAME} in {source.address}"
    sheet = read_spreadsheet(source.get(TRUTH_NAME), where, ("image",))
    images = [normalise(one) for one in sheet.column("image") or []]
    names = [(index.find(one) if index else one) or one for one in images]
    if not names or not all(names) or len(set(names)) < len(names):
        raise InputError(f"{where} must name each image once, in the column `image`")
    known = {find_column(sheet.header, kind) for kind in ("image", "label")}
    columns = {
        name: [row[name] for row in sheet.rows]
        for name in sheet.header if name not in {*_TAKEN, LABEL, *known}
    }  # fmt: skip
    columns[LABEL] = pa.array(_read_labels(sheet, labels, where), pa.string())
    return pa.table({NAME: names, **columns})


def _read_labels(sheet: Spreadsheet, labels: LabelReader, where: str) -> list[str | None]:
    words = sheet.column("label") or [""] * len(sheet.rows)
    read = labels.reader_of(None, where)
    return [None if is_hidden(word) else read(word) for word in words]
