"""What the commands of this room take; light, so that `--help` answers at once."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from faceproof.data.forgery import AUTOENCODER, NAMES, check_names
from faceproof.data.inputs.labels import LABELS_HELP
from faceproof.errors import SettingsError
from faceproof.records import METADATA_COLUMNS
from faceproof.results import Size
from faceproof.settings import option, require_positive

Shams = Literal["one", "each"]
# By their titles in `--help`.
_photos = partial(option, group="photos")
_forgeries = partial(option, group="forgeries")
_written = partial(option, group="what is written")


@dataclass(frozen=True)
class BuildSettings:
    """One build of the dataset."""

    output: Path = field(
        metadata=option("dataset folder: its data/ and README.md are replaced", "folder")
    )
    exports: Path = field(metadata=option("folder for the two zips", "folder"))
    results: Path = field(metadata=option("result file to write", "file"))
    source: Literal["orl", "folder", "portraits", "hub", "collection"] = field(
        default="orl", metadata=_photos("where real photos come from")
    )
    input: Path | None = field(
        default=None,
        metadata=_photos(
            "folder or zip of photos; for portraits their manifest; for hub user/name; "
            "for a collection its folder, with metadata.csv",
            "input",
        ),
    )
    columns: list[str] = field(
        default_factory=list,
        metadata=_photos("for hub, what is where: image=photo identity=who"),
    )
    labels: list[str] = field(default_factory=list, metadata=_photos(LABELS_HELP))
    terms: str | None = field(
        default=None,
        metadata=_photos("of a collection, only rows whose `terms` say this"),
    )
    hosts: list[str] = field(
        default_factory=list,
        metadata=_photos(
            "of a collection, sets beside whose photos fakes stand that have none of "
            "their own; empty: all"
        ),
    )
    limit: int | None = field(default=None, metadata=_photos("at most so many photos"))
    photos_each: int | None = field(
        default=None, metadata=_photos("of each person, at most so many photos")
    )
    methods: list[str] = field(
        default_factory=lambda: ["swap", AUTOENCODER],
        metadata=_forgeries(f"forgeries made of every photo, of {', '.join(NAMES)}"),
    )
    shams: Shams = field(
        default="one",
        metadata=_forgeries("one per photo, of a family drawn at random, or of each"),
    )
    seed: int = field(
        default=0,
        metadata=_forgeries("of splits, donors, codecs and the autoencoder"),
    )
    autoencoder_steps: int = field(default=800, metadata=_forgeries("training steps of 16 patches"))
    generator_steps: int = field(default=1200, metadata=_forgeries("training steps of 32 faces"))
    workers: int = field(
        default=2,
        metadata=_forgeries("photos forged at a time; any number gives the same bytes"),
    )
    rows_per_shard: int = field(default=200, metadata=_written("rows of one parquet file, at most"))
    size: Size = field(default="sample", metadata=_written("what the results call themselves"))

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "autoencoder_steps", "generator_steps", "rows_per_shard", "workers")
        check_names(self.methods)
        for name in ("terms", "hosts"):
            if getattr(self, name) and self.source != "collection":
                raise SettingsError(f"{name} are of a collection; the source is {self.source}")
        for name in ("limit", "photos_each"):
            if getattr(self, name) is not None:
                require_positive(self, name)

    @property
    def work(self) -> Path:
        """Folder for the plan, the autoencoder and unpublished shards."""
        return self.exports / "build"


@dataclass(frozen=True)
class ManifestSettings:
    """What is to be checked."""

    data: Path = field(metadata=option("folder or zip with the images", "input"))
    manifest: Path | None = field(
        default=None,
        metadata=option("CSV: image, split, ...; by default metadata.csv in data", "input"),
    )


@dataclass(frozen=True)
class DemonstrationSettings:
    """What question 1 shows of a built dataset."""

    dataset: Path = field(metadata=option("dataset folder made by build_dataset.py", "input"))
    root: Path = field(metadata=option("its question_01/ receives results and figures", "inside"))
    labels: list[str] = field(
        default_factory=lambda: ["family", "sex", "age_band"],
        metadata=option("metadata columns whose cells are drawn uniformly"),
    )
    draws: int = field(default=600, metadata=option("rows drawn at a time"))
    seeds: int = field(default=1000, metadata=option("draws, each tested by itself"))
    seed: int = field(default=0, metadata=option("of the shown draw and of intervals"))
    photos: int = field(default=8, metadata=option("photos on the contact sheet"))
    size: Size = field(default="sample", metadata=option("what the results call themselves"))

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "draws", "seeds", "photos")
        unknown = sorted(set(self.labels) - set(METADATA_COLUMNS))
        if unknown:
            raise SettingsError(f"labels {unknown} are no metadata; known: {METADATA_COLUMNS}")


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    """Where on the Hub something goes."""

    repository: str = field(metadata=option("user/name on the Hub; made if it is not there"))
    private: bool = field(
        default=True, metadata=option("a new repository is yours alone; false shows it to all")
    )
    dry_run: bool = field(default=False, metadata=option("say what would go, send nothing"))


@dataclass(frozen=True, kw_only=True)
class DatasetPush(PushSettings):
    """Which dataset goes where."""

    dataset: Path = field(metadata=option("dataset folder made by build_dataset.py", "input"))
