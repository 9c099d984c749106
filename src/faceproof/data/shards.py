"""The dataset folder: parquet shards and the card that names them, published together.

A build is written to a staging folder, fingerprinted, moved to `data/<fingerprint>/` in one rename,
and only then named by the card. `load_dataset` caches by the card's text, so the fingerprint in it
is also what keeps a rebuilt dataset from answering with older rows.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from datasets import Dataset, DatasetDict, DatasetInfo, SplitDict, SplitInfo
from datasets.info import DatasetInfosDict
from datasets.utils.metadata import MetadataConfigs
from huggingface_hub import DatasetCardData

from faceproof.data.inputs.walks import walk
from faceproof.errors import DatasetError
from faceproof.records import SPLITS
from faceproof.storage import (
    claim_folder,
    drop_folder,
    fresh_folder,
    hash_file,
    hash_files,
    replacing,
    seal_folder,
)

CARD_NAME = "README.md"
PAPERS = ("DATASHEET.md", "croissant.json")  # beside the card, written with it
_DATA = "data"
_ROWS_PER_GROUP = 64  # about half a megabyte of small faces: a streaming reader's smallest bite
_BUILD_FIRST = "build it first with `python dataset_builder/build_dataset.py`"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StagedShards:
    """Shards that are complete but not yet published."""

    folder: Path
    fingerprint: str
    rows: dict[str, int]
    size_bytes: int


@dataclass(frozen=True)
class ShardFile:
    """A shard by its place below the dataset folder."""

    place: str
    sha256: str
    size_bytes: int


def stage(splits: DatasetDict, staging: Path, rows_per_shard: int, seed: int) -> StagedShards:
    """Write every split as parquet shards of mixed rows.

    Image bytes are uncompressed and plain, so each image is one byte range of its file.

    Args:
        splits: rows in any order; they are shuffled, because neighbours of one photo would put a
            sham beside its fake in every batch of a sequential reader.
        staging: folder to fill; emptied first.
        rows_per_shard: at most so many rows in one file.
        seed: of the shuffle.
    """
    staging = fresh_folder(staging)
    for name in SPLITS:
        mixed = splits[name].shuffle(seed=seed)
        _write_split(mixed, staging, name, max(1, math.ceil(len(mixed) / rows_per_shard)))
    files = sorted(staging.glob("*.parquet"))
    return StagedShards(
        folder=staging,
        fingerprint=hash_files(files),
        rows={name: len(splits[name]) for name in SPLITS},
        size_bytes=sum(file.stat().st_size for file in files),
    )


def _write_split(rows: Dataset, folder: Path, split: str, shards: int) -> None:
    for index in range(shards):
        path = folder / f"{split}-{index:05d}-of-{shards:05d}.parquet"
        rows.shard(shards, index, contiguous=True).to_parquet(path, batch_size=_ROWS_PER_GROUP)


def describe(staged: StagedShards, splits: DatasetDict, extra: dict[str, Any]) -> str:
    """The card's YAML block, `---` lines excluded: configs, dataset_info and the fingerprint.

    Args:
        staged: what was written.
        splits: the same rows, for their schema and sizes.
        extra: further card fields (licence, tags, ...).
    """
    card = DatasetCardData(**extra)
    sizes = {
        name: SplitInfo(name, num_bytes=splits[name].data.nbytes, num_examples=rows)
        for name, rows in staged.rows.items()
    }
    info = DatasetInfo(
        features=splits[SPLITS[0]].features, download_size=staged.size_bytes,
        dataset_size=sum(splits[name].data.nbytes for name in SPLITS), splits=SplitDict(sizes),
    )  # fmt: skip
    DatasetInfosDict({"default": info}).to_dataset_card_data(card)
    place = _folder_name(staged.fingerprint)
    files = [{"split": name, "path": f"{_DATA}/{place}/{name}-*.parquet"} for name in SPLITS]
    MetadataConfigs({"default": {"data_files": files}}).to_dataset_card_data(card)
    entries = {**vars(card), "fingerprint": staged.fingerprint}
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True)


def list_staged(staged: StagedShards) -> list[ShardFile]:
    """The staged shards by the places they will have."""
    place = f"{_DATA}/{_folder_name(staged.fingerprint)}"
    return [
        ShardFile(f"{place}/{file.name}", hash_file(file), file.stat().st_size)
        for file in sorted(staged.folder.glob("*.parquet"))
    ]


def publish(staged: StagedShards, dataset: Path, card: str, papers: Mapping[str, str]) -> None:
    """Move staged shards into the dataset folder, point the card at them, drop our older builds.

    `card` is the text of its README.md, `papers` are texts beside it, by name of `PAPERS`.
    """
    claim_folder(dataset)
    data = claim_folder(dataset / _DATA)
    target = data / _folder_name(staged.fingerprint)
    if target.exists() and hash_files(sorted(target.glob("*.parquet"))) != staged.fingerprint:
        # damaged since: the card points at it, but it cannot be loaded
        drop_folder(fresh_folder(target))
    if target.exists():
        drop_folder(staged.folder)
    else:
        staged.folder.rename(target)
        seal_folder(target)
    for name, text in {**papers, CARD_NAME: card}.items():  # the card last: it is what is read
        with replacing(dataset / name) as partial:
            partial.write_text(text)
    for older in data.iterdir():
        if older != target and older.is_dir():
            drop_folder(older)
    logger.info("published %s rows in %s", sum(staged.rows.values()), target)


def verify(dataset: Path) -> str:
    """Check that the shards are those the card describes.

    Returns:
        The fingerprint.

    Raises:
        DatasetError: not built, half-built, changed since, or with other counts than stated.
    """
    card = read_card(dataset)
    files = list_shards(dataset)
    if hash_files(files) != card["fingerprint"]:
        raise DatasetError(f"the shards in {dataset} are not those its card describes; build again")
    counts: dict[str, int] = dict.fromkeys(SPLITS, 0)
    for file in files:
        counts[file.name.split("-")[0]] += pq.ParquetFile(file).metadata.num_rows
    stated = {split["name"]: split["num_examples"] for split in card["dataset_info"]["splits"]}
    if counts != stated:
        raise DatasetError(f"{dataset} holds {counts} rows, its card says {stated}; build again")
    return str(card["fingerprint"])


def list_shards(dataset: Path) -> list[Path]:
    """The parquet files the card names, in the order of the fingerprint."""
    place = _folder_name(str(read_card(dataset)["fingerprint"]))
    files = sorted((dataset / _DATA / place).glob("*.parquet"))
    if not files:
        raise DatasetError(f"{dataset} has a card but no shards; {_BUILD_FIRST}")
    return files


def read_card(dataset: Path) -> dict[str, Any]:
    """The YAML block of the dataset's card.

    Raises:
        DatasetError: no card, or one that this project did not write.
    """
    path = dataset / CARD_NAME
    if not path.is_file():
        raise DatasetError(f"no dataset in {dataset}; {_BUILD_FIRST}")
    try:
        entries = yaml.safe_load(split_card(path.read_text())[0])
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} cannot be read as a dataset card; {_BUILD_FIRST}") from error
    if not isinstance(entries, dict) or "fingerprint" not in entries:
        raise DatasetError(f"{path} is not a card of this project's builder; {_BUILD_FIRST}")
    return entries


def is_built(folder: Path) -> bool:
    """True for a folder whose card is of this project's builder, or that it is built in."""
    card = folder / CARD_NAME
    if not card.is_file():
        return (folder / "build_dataset.py").is_file()
    return "\nfingerprint:" in split_card(card.read_text(errors="replace"))[0]


def is_dataset(folder: Path) -> bool:
    """True for a folder whose card names data files, ours or another's."""
    card = folder / CARD_NAME
    if not card.is_file():
        return False
    metadata, _ = split_card(card.read_text(errors="replace"))
    return any(line.startswith("configs:") for line in metadata.splitlines())


def holds_tables(folder: Path) -> bool:
    """True for a parquet file, and a folder whose card names data files or that holds parquet."""
    if not folder.is_dir():
        return folder.suffix == ".parquet"
    if is_dataset(folder):
        return True
    found = walk(folder)
    return not found.images and any(name.endswith(".parquet") for name in found.others)


def split_card(card: str) -> tuple[str, str]:
    """A card's YAML block, without its `---` lines, and the prose after it."""
    _, _, rest = card.partition("---\n")
    metadata, _, prose = rest.partition("---\n")
    return metadata, prose


def _folder_name(fingerprint: str) -> str:
    return fingerprint[:12]
