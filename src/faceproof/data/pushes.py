"""What goes to the Hub, said before it goes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faceproof.data import shards
from faceproof.network import HubKind, push_folder

_OPENED: Mapping[HubKind, str] = {
    "dataset": 'load_dataset("{}") opens it',
    "model": 'pipeline("image-classification", model="{}") uses it',
    "space": "starts by itself",
}


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    """Where on the Hub something goes."""

    repository: str = field(metadata={"help": "user/name on the Hub; made if it is not there"})
    private: bool = field(
        default=True, metadata={"help": "a new repository is yours alone; false shows it to all"}
    )
    dry_run: bool = field(default=False, metadata={"help": "say what would go, send nothing"})


@dataclass(frozen=True, kw_only=True)
class DatasetPush(PushSettings):
    """Which dataset goes where."""

    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )


def push(run: PushSettings, folder: Path, files: Sequence[Path], kind: HubKind) -> Iterator[str]:
    """Push files of a folder as `network.push_folder` does; gives lines for the user as it goes."""
    for file in files:
        yield f"{file.stat().st_size:>12} {file.relative_to(folder)}"
    if run.dry_run:
        yield f"nothing was sent; without --dry_run this goes to {run.repository}"
        return
    place = push_folder(folder, files, run.repository, kind, run.private)
    yield f"pushed       {place}  ({_OPENED[kind].format(run.repository)})"


def list_files(dataset: Path) -> list[Path]:
    """What is pushed: the card, the papers beside it and the shards the card names.

    Raises:
        DatasetError: the dataset is not built, or not what its card says.
    """
    shards.verify(dataset)
    papers = (dataset / name for name in (shards.CARD_NAME, *shards.PAPERS))
    return [*(path for path in papers if path.is_file()), *shards.list_shards(dataset)]
