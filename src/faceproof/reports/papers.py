"""What goes with a dataset besides its card: datasheet and Croissant description."""

import json
from collections.abc import Sequence

import mlcroissant as mlc
from datasets import ClassLabel, Image, List

from faceproof.data.shards import ShardFile
from faceproof.data.tables import features
from faceproof.records import DESCRIPTIONS, SPLITS
from faceproof.reports.templates import Values, read_facts, render_template

_TYPES = dict.fromkeys(("int32", "int64"), mlc.DataType.INTEGER) | {"float32": mlc.DataType.FLOAT}
_FORMAT = "application/x-parquet"
_RAI = (
    "data_collection", "data_collection_timeframe", "data_collection_missing_data",
    "data_preprocessing_protocol", "data_manipulation_protocol", "data_annotation_protocol",
    "machine_annotation_tools", "data_biases", "data_limitations", "data_use_cases",
    "data_social_impact", "personal_sensitive_information", "data_release_maintenance_plan",
)  # fmt: skip


def render_datasheet(values: Values) -> str:
    """The datasheet, for the dataset folder and the zip, from the build's values."""
    facts = read_facts(values)
    return render_template("dataset_builder/datasheet.md.j2", build=values, facts=facts)


def render_croissant(values: Values, files: Sequence[ShardFile]) -> str:
    """The Croissant description with its responsible-AI fields, JSON-LD.

    Args:
        values: of the build's result file.
        files: the shards, with their places below the dataset folder.

    Source: Croissant 1.0 and Croissant RAI 1.0 (MLCommons), through the library mlcroissant.
    """
    facts = read_facts(values)
    folder = files[0].place.rsplit("/", 1)[0]
    described = mlc.Metadata(
        name=f"faceproof-{values['source']}",
        description=facts["purpose"],
        version="1.0.0",
        license=facts["licence"],
        url=f"#{str(values['fingerprint'])[:12]}",
        keywords=["deepfake detection", "face forgery", "image forensics"],
        cite_as="faceproof: faces, real and fake",
        distribution=[*map(_list_file, files), *(_list_split(name, folder) for name in SPLITS)],
        record_sets=[_list_fields(split) for split in SPLITS],
        **{name: facts[name] for name in _RAI},
    )
    return json.dumps(described.to_json(), indent=2, ensure_ascii=False, default=str) + "\n"


def _list_file(file: ShardFile) -> mlc.FileObject:
    name = file.place.rsplit("/", 1)[1]
    return mlc.FileObject(
        id=name.removesuffix(".parquet"), name=name, content_url=file.place,
        content_size=f"{file.size_bytes} B", encoding_formats=[_FORMAT], sha256=file.sha256,
    )  # fmt: skip


def _list_split(split: str, folder: str) -> mlc.FileSet:
    return mlc.FileSet(
        id=split, name=split, description=f"shards of the {split} split",
        encoding_formats=[_FORMAT], includes=f"{folder}/{split}-*.parquet",
    )  # fmt: skip


def _list_fields(split: str) -> mlc.RecordSet:
    rows, schema = f"{split}_rows", features()
    fields = [
        mlc.Field(
            id=f"{rows}/{name}", name=name, description=description,
            data_types=_name_type(schema[name]), repeated=isinstance(schema[name], List),
            source=mlc.Source(
                file_set=split, extract=mlc.Extract(column=name),
                transforms=[mlc.Transform(json_path="bytes")] * isinstance(schema[name], Image),
            ),
        )
        for name, description in DESCRIPTIONS.items()
    ]  # fmt: skip
    return mlc.RecordSet(id=rows, name=rows, description=f"rows of {split}", fields=fields)


def _name_type(column: object) -> str:
    if isinstance(column, Image):
        return str(mlc.DataType.IMAGE_OBJECT)
    if isinstance(column, ClassLabel):
        return str(mlc.DataType.INTEGER)
    return str(_TYPES.get(getattr(column, "dtype", ""), mlc.DataType.TEXT))
