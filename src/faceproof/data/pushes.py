"""A built dataset on its way to the Hub."""

from dataclasses import dataclass, field
from pathlib import Path

from faceproof.data import shards


@dataclass(frozen=True)
class PushSettings:
    """Which dataset goes where."""

    dataset: Path = field(metadata={"help": "dataset folder made by build_dataset.py"})
    repository: str = field(metadata={"help": "user/name on the Hub; made if it is not there"})
    private: bool = field(
        default=True, metadata={"help": "a new repository is yours alone; false shows it to all"}
    )
    dry_run: bool = field(default=False, metadata={"help": "say what would go, send nothing"})


def list_files(dataset: Path) -> list[Path]:
    """What is pushed: the card, the papers beside it and the shards the card names.

    Raises:
        DatasetError: the dataset is not built, or not what its card says.
    """
    shards.verify(dataset)
    papers = (dataset / name for name in (shards.CARD_NAME, *shards.PAPERS))
    return [*(path for path in papers if path.is_file()), *shards.list_shards(dataset)]
