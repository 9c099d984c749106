"""The worked case: our own set and network, and one mistake in how the fakes were saved."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from datasets import DatasetDict
from matplotlib import pyplot as plt
from PIL import Image

from faceproof.audit.classifiers import Classifier
from faceproof.data import shards
from faceproof.data.checks.shortcuts import read_file_facts
from faceproof.data.images import decode, encode_jpeg, estimate_jpeg_quality
from faceproof.data.tables import open_dataset
from faceproof.errors import InputError, ModelError, SettingsError
from faceproof.records import FAKE, ROLES
from faceproof.reports.figures import CREDITS, save_figure
from faceproof.results import Scalar, Size
from faceproof.settings import require_positive
from faceproof.storage import claim_folder

_TERMS = {"license": "other", "pretty_name": "Fakes saved at another quality"}
_CARD_NOTE = "Planted for the audit's page: the fakes of the parent set, saved once more.\n"
_ROWS_PER_SHARD = 1000
_PHOTO = ROLES.index("real")


@dataclass(frozen=True)
class PlantSettings:
    """What is planted in which set."""

    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    output: Path = field(metadata={"help": "dataset folder to write", "place": "folder"})
    quality: int = field(default=20, metadata={"help": "JPEG quality that fakes are saved at"})
    results: Path | None = field(
        default=None, metadata={"help": "result file to write", "place": "file"}
    )
    seed: int = field(default=0, metadata={"help": "of the order of rows"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse to write over the set that is read, and qualities that JPEG has not."""
        if not 1 <= self.quality <= 95:
            raise SettingsError(f"quality is {self.quality}; it must be from 1 to 95")
        if self.output.resolve() == self.dataset.resolve():
            raise SettingsError(f"output is the dataset {self.dataset} itself; give another folder")


@dataclass(frozen=True)
class ShowSettings:
    """The pictures of the worked case."""

    model: str = field(metadata={"help": "classifier trained on the planted set", "place": "input"})
    planted: Path = field(metadata={"help": "dataset folder that plant.py wrote", "place": "input"})
    clean: Path = field(metadata={"help": "dataset folder it was made from", "place": "input"})
    figure: Path = field(metadata={"help": "PNG to write", "place": "file"})
    method: str = field(default="swap", metadata={"help": "whose fakes are shown"})
    faces: int = field(default=6, metadata={"help": "people to show"})

    def __post_init__(self) -> None:
        """Refuse values that show nothing."""
        require_positive(self, "faces")


@dataclass(frozen=True)
class Panel:
    """An encoded image, its score, 0 real to 1 fake, and whether that is called fake."""

    image: bytes
    score: float
    is_called_fake: bool


def plant(run: PlantSettings) -> dict[str, Scalar]:
    """Write the set once more, its fakes saved again at one quality, as an editor would."""
    splits = open_dataset(run.dataset)
    planted = DatasetDict(
        {
            name: rows.map(partial(_save_fakes, quality=run.quality), load_from_cache_file=False)
            for name, rows in splits.items()
        }
    )
    claim_folder(run.output)
    staged = shards.stage(planted, run.output / "staging", _ROWS_PER_SHARD, run.seed)
    card = f"---\n{shards.describe(staged, planted, _TERMS)}---\n{_CARD_NOTE}"
    shards.publish(staged, run.output, card, {})
    fakes = sum(sum(label == FAKE for label in rows["label"]) for rows in splits.values())
    return {"quality": run.quality, "fakes": fakes, "fingerprint": staged.fingerprint}


def _save_fakes(row: dict[str, Any], quality: int) -> dict[str, Any]:
    if row["label"] == FAKE:
        row["image"] = {"bytes": _save(row["image"]["bytes"], quality), "path": None}
    return row


def _save(data: bytes, quality: int) -> bytes:
    """The image as a JPEG of that quality, its chroma subsampling as it was."""
    sampling = max(0, int(read_file_facts(data)["subsampling"]))
    return encode_jpeg(decode(data), quality, sampling)


def show(run: ShowSettings, classifier: Classifier) -> list[dict[str, Panel]]:
    """A photo and its fake, each as both labels were saved, with the classifier's scores.

    One column a person: the photos are the first of test people that have a fake of the method.

    Raises:
        InputError: there are none, or the planted ones are no JPEGs.
        ModelError: the classifier stores no decision.
    """
    decision = classifier.decision
    if decision is None:
        raise ModelError(f"{classifier.name} stores no decision; give one that train.py made")
    columns = []
    for photo, fake, saved in _find_pairs(run):
        as_fake = estimate_jpeg_quality(saved)
        if as_fake is None:
            raise InputError(f"the fakes of {run.planted} are no JPEGs; make it with plant.py")
        files = {
            "photo": photo,
            "photo, saved\nas the fakes are": _save(photo, as_fake),
            "fake, saved as\nin training": saved,
            "fake, saved\nas the photos are": fake,
        }
        scores = decision.to_scores(classifier.score(decode(one) for one in files.values()))
        columns.append(
            {
                title: Panel(data, float(score), bool(decision.force(score)))
                for (title, data), score in zip(files.items(), scores, strict=True)
            }
        )
    return columns


def _find_pairs(run: ShowSettings) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The photo's file, that of its fake as it was made, and as it was saved."""
    clean = open_dataset(run.clean)["test"]
    saved = open_dataset(run.planted)["test"]
    files = {row["image_id"]: row["image"]["bytes"] for row in saved}
    photos = {row["image_id"]: row["image"]["bytes"] for row in clean if row["role"] == _PHOTO}
    fakes = clean.filter(lambda row: row["method"] == run.method and row["label"] == FAKE)
    seen: set[str] = set()
    for row in fakes.sort("image_id"):
        if row["component_id"] in seen or len(seen) == run.faces or row["pair_id"] not in photos:
            continue
        seen.add(row["component_id"])
        yield photos[row["pair_id"]], row["image"]["bytes"], files[row["image_id"]]
    if not seen:
        raise InputError(f"{run.clean} has no fakes of {run.method} beside photos in test")


def draw_scored(
    columns: Sequence[Mapping[str, tuple[bytes, float, bool]]], source: str, path: Path
) -> None:
    """Contact sheet with a score under each image; what is called fake has a black frame.

    Args:
        columns: one mapping per photo, from row title to an encoded image, its score, 0 real to 1
            fake, and whether it is called fake; the same titles in all.
        source: of the photos, for the credit.
        path: PNG to write.
    """
    titles = list(columns[0])
    figure, axes = plt.subplots(
        len(titles), len(columns), figsize=(1.15 * len(columns) + 1.4, 1.4 * len(titles)),
        gridspec_kw={"wspace": 0.06, "hspace": 0.22, "bottom": 0.05, "top": 1.0, "right": 1.0},
        squeeze=False,
    )  # fmt: skip
    for row, title in enumerate(titles):
        for column, scored in enumerate(columns):
            image, score, is_called_fake = scored[title]
            panel = axes[row, column]
            panel.imshow(Image.open(io.BytesIO(image)), cmap="gray", vmin=0, vmax=255)
            panel.set_xticks([])
            panel.set_yticks([])
            panel.spines[:].set(linewidth=2.5, color="black", visible=is_called_fake)
            panel.set_xlabel(f"{score:.2f}", fontsize=9, labelpad=2)
        axes[row, 0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=9)
    figure.text(1.0, 0.0, CREDITS.get(source, ""), ha="right", va="top", fontsize=7, color="0.35")
    save_figure(figure, path)
