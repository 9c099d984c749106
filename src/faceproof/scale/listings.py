"""Raw images of a place: their names, labels and whatever else a list of them says."""

import csv
import io
from pathlib import PurePosixPath

import pyarrow as pa

from faceproof.buckets import Bucket
from faceproof.data.archives import TRUTH_NAME, has_image_ending
from faceproof.errors import InputError
from faceproof.records import LABELS

NAME, LABEL = "name", "label"
EXAMINED = pa.schema(
    [
        (NAME, pa.string()), ("sha256", pa.string()), ("perceptual_hash", pa.string()),
        ("width", pa.int32()), ("height", pa.int32()), ("size_bytes", pa.int64()),
        ("reason", pa.string()),
    ]
)  # of every image, before its label and further columns  # fmt: skip
_TAKEN = {"image", "", None, *EXAMINED.names, "row", "rank", "stratum", "weight"}


def list_source(source: Bucket) -> pa.Table:
    """Names of images, their label where the source states it, and further columns of its list.

    Raises:
        InputError: there is none, or the list cannot be read.
    """
    if source.has(TRUTH_NAME):
        return _read_truth(source)
    names = [one.key for one in source.list() if has_image_ending(one.key)]
    if not names:
        raise InputError(f"no images in {source.address}, and no {TRUTH_NAME} that names some")
    folders = [set(PurePosixPath(name).parts[:-1]) & set(LABELS) for name in names]
    labels = [found.pop() if len(found) == 1 else None for found in folders]
    return pa.table({NAME: names, LABEL: pa.array(labels, pa.string())})


def _read_truth(source: Bucket) -> pa.Table:
    try:
        text = source.get(TRUTH_NAME).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{TRUTH_NAME} in {source.address} is no CSV: {error}") from error
    names = [row.get("image") for row in rows]
    if not rows or not all(names) or len(set(names)) < len(names):
        raise InputError(
            f"{TRUTH_NAME} in {source.address} must name each image once, in the column `image`"
        )
    columns = {
        name: [row[name] for row in rows] for name in rows[0] if name not in {*_TAKEN, LABEL}
    }
    labels = [row.get(LABEL) or None for row in rows]
    unknown = sorted({one for one in labels if one is not None} - set(LABELS))
    if unknown:
        raise InputError(f"{TRUTH_NAME} has the label {unknown[0]}; use {' or '.join(LABELS)}")
    columns |= {LABEL: pa.array(labels, pa.string())}
    return pa.table({NAME: names, **columns})
