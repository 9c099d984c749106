"""What `tune.py` and `teach.py` take; light, so that `--help` answers at once."""

from dataclasses import dataclass, field
from pathlib import Path

from faceproof.errors import SettingsError
from faceproof.results import Size
from faceproof.settings import require_positive, require_rate
from faceproof.training.augmentation import Recipe

# Titles of `--help`.
_DATA = {"group": "what is learned from"}
_NETWORK = {"group": "the network"}
_LEARNING = {"group": "how it learns"}
_MEASURES = {"group": "what is measured"}


@dataclass(frozen=True, kw_only=True)
class ViewRun:
    """What a network learns from that sees several changed views of each image."""

    dataset: Path = field(
        metadata={"help": "dataset folder made by build_dataset.py", "place": "input"}
    )
    output: Path = field(
        metadata={
            "help": "folder for what was trained: adapters, or the network",
            "place": "replaced",
        }
    )
    work: Path = field(
        metadata={"help": "folder for views, 150 kB each, and decoded images", "place": "folder"}
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    leave_out: list[str] = field(
        default_factory=list,
        metadata={**_DATA, "help": "families, methods and sources that are not learned from"},
    )
    forgeries: int = field(default=2, metadata={**_DATA, "help": "of each photo, at most"})
    shams: int = field(default=1, metadata={**_DATA, "help": "of each photo, at most"})
    limit: int | None = field(
        default=None, metadata={**_DATA, "help": "images of a split, at most; for a trial"}
    )
    views: int = field(default=5, metadata={**_DATA, "help": "of each image, the first unchanged"})
    augment: Recipe = field(default="web", metadata={**_DATA, "help": "how views are changed"})
    steps: int = field(default=2000, metadata={**_LEARNING, "help": "of one batch each"})
    batch: int = field(default=128, metadata={**_LEARNING, "help": "images of a step"})
    learning_rate: float = field(default=2e-4, metadata={**_LEARNING, "help": "at its peak"})
    decay: float = field(
        default=0.99, metadata={**_LEARNING, "help": "of the running mean of weights, 0 to 1"}
    )
    error_rate: float = field(
        default=0.05, metadata={**_MEASURES, "help": "that a verdict may have, of reals and fakes"}
    )
    seed: int = field(default=0, metadata={"help": "of every draw"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "views", "steps", "batch")
        if self.limit is not None:
            require_positive(self, "limit")
        require_rate(self, "error_rate")
        if self.learning_rate <= 0:
            raise SettingsError(f"learning_rate is {self.learning_rate}; it must be above 0")
        if not 0 <= self.decay < 1:
            raise SettingsError(f"decay is {self.decay}; it must be from 0 to below 1")


@dataclass(frozen=True, kw_only=True)
class TuneRun(ViewRun):
    """One tuning of CLIP with low-rank adapters."""

    model: Path = field(
        metadata={"help": "folder for the network with the adapters merged in", "place": "replaced"}
    )
    blocks: int = field(default=12, metadata={**_NETWORK, "help": "of the network, 1 to 12"})
    rank: int = field(default=16, metadata={**_NETWORK, "help": "of the adapters"})

    def __post_init__(self) -> None:
        """Refuse networks that are not there."""
        super().__post_init__()
        require_positive(self, "rank")
        output, model = self.output.resolve(), self.model.resolve()
        if output in (model, *model.parents) or model in output.parents:
            raise SettingsError(f"output {self.output} and model {self.model} lie in one another")
        if not 1 <= self.blocks <= 12:
            raise SettingsError(f"blocks are 1 to 12, not {self.blocks}")


@dataclass(frozen=True, kw_only=True)
class TeachRun(ViewRun):
    """One training of a small network on what a large one says."""

    teacher: Path | None = field(
        default=None,
        metadata={
            "help": "model folder with three labels; the released one if not given",
            "place": "input",
        },
    )
    side_pixels: int = field(default=160, metadata={**_NETWORK, "help": "of the small network"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        super().__post_init__()
        require_positive(self, "side_pixels")
