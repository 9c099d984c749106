"""What the commands of this room take; light, so that `--help` answers at once."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from faceproof.data.inputs.labels import LABELS_HELP
from faceproof.errors import SettingsError
from faceproof.results import Size
from faceproof.settings import option, require_positive

Engine = Literal["native", "ray"]
Law = Literal["independent", "quota"]


@dataclass(frozen=True)
class StoreSettings:
    """One store from raw images."""

    source: str = field(
        metadata=option("s3://bucket/prefix, https://host/path or a folder of images", "input")
    )
    place: str = field(metadata=option("s3://bucket/prefix or a folder for the store", "store"))
    labels: list[str] = field(default_factory=list, metadata=option(LABELS_HELP))
    strata: list[str] = field(
        default_factory=lambda: ["label"], metadata=option("labels to draw evenly over later")
    )
    engine: Engine = field(default="native", metadata=option("this machine, or Ray's workers"))
    cluster: str | None = field(
        default=None, metadata=option("address of a Ray cluster; none starts one here")
    )
    unit_images: int = field(default=1000, metadata=option("images examined as one unit"))
    shard_images: int = field(
        default=20000, metadata=option("images of a shard, at most; 512 MB end it too")
    )
    workers: int = field(
        default_factory=lambda: os.cpu_count() or 1, metadata=option("units at once on a machine")
    )

    def __post_init__(self) -> None:
        """Refuse values that make no build."""
        require_positive(self, "unit_images", "shard_images", "workers")
        if self.cluster is not None and self.engine != "ray":
            raise SettingsError("cluster is an address of Ray; give --engine ray too")


@dataclass(frozen=True)
class IndexSettings:
    """One store of parquet that is there."""

    data: str = field(metadata=option("s3://bucket/prefix, or a folder, of parquet", "input"))
    place: str = field(metadata=option("s3://bucket/prefix or a folder for the index", "store"))
    prefix: str = field(default="data/", metadata=option("of the files' keys below `data`"))
    image: str = field(default="image", metadata=option("column of images"))
    label: str = field(default="label", metadata=option("column of labels; `none` for none"))
    labels: list[str] = field(default_factory=list, metadata=option(LABELS_HELP))
    strata: list[str] = field(
        default_factory=lambda: ["label"],
        metadata=option("columns to draw evenly over later; `none` for none"),
    )


@dataclass(frozen=True)
class ViewSettings:
    """One view."""

    store: str = field(
        metadata=option("s3://bucket/prefix or a folder with a manifest.json", "input")
    )
    output: Path = field(metadata=option("view to write, parquet", "file"))
    sql: str | None = field(default=None, metadata=option("SELECT of `row` FROM metadata"))
    uniform: int = field(
        default=0, metadata=option("images to draw evenly over the declared strata")
    )
    law: Law = field(
        default="independent",
        metadata=option("draw with replacement, or equally many different ones"),
    )
    parent: Path | None = field(default=None, metadata=option("view that SQL looks at", "input"))
    seed: int = field(default=0, metadata=option("of the draw"))
    cache: Path = field(
        default=Path("build/metadata"),
        metadata=option("folder to keep fetched metadata in", "folder"),
    )
    materialise: Path | None = field(
        default=None,
        metadata=option("parquet file to copy the view's rows to", "file"),
    )

    def __post_init__(self) -> None:
        """Refuse what makes no view, or two."""
        if (self.sql is None) == (self.uniform < 1):
            raise SettingsError("give either --sql or --uniform with 1 or more")
        if self.parent is not None and self.sql is None:
            raise SettingsError("a view of a view is made with --sql")


@dataclass(frozen=True)
class StreamSettings:
    """One trip of the dataset to S3 and back."""

    dataset: Path = field(metadata=option("dataset folder made by build_dataset.py", "input"))
    results: Path = field(metadata=option("result file to write", "file"))
    seed: int = field(default=0, metadata=option("of the draw and of the loader's order"))
    passes: int = field(default=3, metadata=option("measured passes, after one to warm up"))
    size: Size = field(default="sample", metadata=option("what the results call themselves"))

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "passes")
