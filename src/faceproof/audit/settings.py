"""What an audit takes; light, so that `--help` answers at once."""

from dataclasses import dataclass, field
from pathlib import Path

from faceproof.data.inputs.labels import LABELS_HELP
from faceproof.errors import SettingsError
from faceproof.results import Size
from faceproof.settings import require_positive


@dataclass(frozen=True)
class AuditSettings:
    """One audit of a classifier and the data it was measured on."""

    data: str = field(
        metadata={
            "help": "dataset folder or user/name on the Hub, or folder or zip of images with truth",
            "place": "input",
        }
    )
    output: Path = field(
        metadata={"help": "folder for report.html, report.json and findings.csv", "place": "folder"}
    )
    model: str | None = field(
        default=None,
        metadata={
            "help": "classifier in question: any image classifier, or Hub id",
            "place": "input",
        },
    )
    predictions: Path | None = field(
        default=None,
        metadata={"help": "CSV of predict.py, where the model is not at hand", "place": "input"},
    )
    others: list[str] = field(
        default_factory=list,
        metadata={
            "help": "the same classifier trained with other seeds, two or more",
            "place": "input",
        },
    )
    labels: list[str] = field(default_factory=list, metadata={"help": LABELS_HELP})
    fake_label: str | None = field(
        default=None,
        metadata={"help": "the model's label that means fake, if it cannot be guessed"},
    )
    subgroups: list[str] = field(
        default_factory=list,
        metadata={"help": "columns to compare beside sex, age_band and skin_tone"},
    )
    images: int = field(
        default=400, metadata={"help": "at most so many images are changed and scored again"}
    )
    results: Path | None = field(
        default=None, metadata={"help": "result file to write", "place": "file"}
    )
    seed: int = field(default=0, metadata={"help": "of folds, draws and intervals"})
    size: Size = field(default="sample", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse what cannot be audited."""
        require_positive(self, "images")
        if self.model is not None and self.predictions is not None:
            raise SettingsError("give the model or its predictions, not both")
        if self.others and self.model is None:
            raise SettingsError("others are compared with the model; give --model too")
