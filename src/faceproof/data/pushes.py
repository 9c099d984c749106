"""What goes to the Hub, said before it goes."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from faceproof.data import shards
from faceproof.data.settings import PushSettings
from faceproof.network import HubKind, push_folder

_OPENED: Mapping[HubKind, str] = {
    "dataset": 'load_dataset("{}") opens it',
    "model": 'pipeline("image-classification", model="{}") uses it',
    "space": "starts by itself",
}


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
