"""The published dataset as rows with encoded images, and its metadata as one table."""

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import ClassLabel, Dataset, DatasetDict, Features, Image, List, Value, load_dataset

from faceproof.data.inputs.walks import list_tables
from faceproof.errors import InputError
from faceproof.records import COLUMNS, LABELS, METADATA_COLUMNS, ROLES, SPLITS

_NUMBERS = (
    "sex_confidence", "age_confidence", "ita_degrees", "yaw_degrees", "roll_degrees", "mouth_width",
    "face_confidence", "sharpness", "brightness",
)  # fmt: skip
_WHOLE = ("birth_year", "face_pixels", "source_width", "source_height", "source_jpeg_quality")


def features() -> Features:
    """The schema of the parquet shards, in `COLUMNS` order; what is not named here is text."""
    kinds = dict.fromkeys(COLUMNS, Value("string"))
    kinds |= dict.fromkeys(_NUMBERS, Value("float32")) | dict.fromkeys(_WHOLE, Value("int32"))
    return Features(
        kinds | {
            "image": Image(), "mask": Image(), "label": ClassLabel(names=list(LABELS)),
            "role": ClassLabel(names=list(ROLES)), "parent_ids": List(Value("string")),
            "seed": Value("int64"),
        }
    )  # fmt: skip


def open_dataset(dataset: Path) -> DatasetDict:
    """The published dataset, images left encoded as `{"bytes", "path"}`."""
    return leave_encoded(load_dataset(str(dataset)))


def leave_encoded(splits: DatasetDict) -> DatasetDict:
    """The same rows with image and mask as their file bytes."""
    raw = Image(decode=False)
    return splits.cast_column("image", raw).cast_column("mask", raw)


def to_frame(splits: Mapping[str, Dataset]) -> pd.DataFrame:
    """All metadata as one table, split first, class numbers as names."""
    frames = []
    for name in SPLITS:
        frame = splits[name].select_columns(list(METADATA_COLUMNS)).to_pandas()
        frame.insert(0, "split", name)
        frames.append(frame)
    table: pd.DataFrame = pd.concat(frames, ignore_index=True)
    table["label"] = [LABELS[code] for code in table["label"]]
    table["role"] = [ROLES[code] for code in table["role"]]
    return table


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with plain texts and bytes where another writer chose views of them."""
    plain = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}
    fields = [field.with_type(plain.get(field.type, field.type)) for field in schema]
    return pa.schema(fields, schema.metadata)


def read_features(schema: pa.Schema, image: str = "image") -> Features:
    """What `datasets` makes of a parquet schema; a column of plain bytes holds image files."""
    plain = plain_schema(schema)
    kind = plain.field(image).type if image in plain.names else None
    features = Features.from_arrow_schema(plain)
    if kind is not None and (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        features[image] = Image()
    return features


def to_plain_folder(folder: Path) -> tuple[Path, Features | None]:
    """A folder or file of parquet as `datasets` can open it, and the features to open it with.

    Where files hold views, which the library does not know, plain copies are written to a folder
    that lasts as long as the process.

    Raises:
        InputError: a file is no parquet.
    """
    if folder.is_file():
        folder = _wrap(folder)
    files = list_tables(folder)
    if not files:
        return folder, None
    try:
        schemas = {file: pq.read_schema(file) for file in files}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{folder} holds a file that is no parquet: {error}") from error
    features = read_features(schemas[files[0]])
    if all(plain_schema(schema) == schema for schema in schemas.values()):
        known = b"huggingface" in (schemas[files[0]].metadata or {})
        return folder, None if known else features
    scratch = _make_scratch()
    for file, schema in schemas.items():
        copy = scratch / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(copy, plain_schema(schema)) as writer, pq.ParquetFile(file) as source:
            for batch in source.iter_batches(256):
                writer.write_batch(batch.cast(plain_schema(schema)))
    return scratch, features


def _wrap(file: Path) -> Path:
    """A folder that holds nothing but a link to a file."""
    folder = _make_scratch()
    (folder / file.name).symlink_to(file.resolve())
    return folder


def _make_scratch() -> Path:
    """A folder that goes when the process ends."""
    scratch = Path(tempfile.mkdtemp(prefix="faceproof-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return scratch


def image_name(image_id: str) -> str:
    """The image's path in every zip and folder we write."""
    return f"images/{image_id}.jpg"
