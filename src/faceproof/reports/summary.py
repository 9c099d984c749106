"""Say where everything is and what came out, at the end of a run.

    python -m faceproof.reports.summary --root build/demo

Reads the result files under the root; writes nothing.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from faceproof import console, settings
from faceproof.reports.numbers import read_numbers


@dataclass(frozen=True)
class SummarySettings:
    """Which run to sum up."""

    root: Path = field(metadata={"help": "folder that holds the results", "place": "input"})


def main() -> int:
    """Print places and headline numbers."""
    root = settings.read(SummarySettings, __doc__).root
    numbers = read_numbers(root)
    build, training, prediction, audit, streaming = (
        numbers[name] for name in ("build", "training", "prediction", "audit", "streaming")
    )
    outcomes = Counter(one.replace("_", " ") for one in audit.findings.values())
    places = [
        ("dataset", build.setting("output")),
        ("zip", f"{build.setting('exports')}/mini_dataset.zip"),
        ("gallery", f"{build.setting('exports')}/gallery.html"),
        ("model", training.setting("output_dir")),
        ("predictions", prediction.setting("output")),
        ("audit report", f"{audit.setting('output')}/report.html"),
        ("pages", f"{root}/README.md, {root}/question_01 to question_04"),
    ]
    headlines = [
        ("dataset", f"{build.records} images of {build.people} people, {build.size}"),
        ("AUROC", f"{training.interval('test_auroc')}, test people"),
        ("  autoencoder", training.interval("test_auroc_autoencoder")),
        ("  swap", training.interval("test_auroc_swap")),
        ("zip scored", f"accuracy {prediction.interval('accuracy')}"),
        ("audit", ", ".join(f"{outcomes[name]} {name}" for name in sorted(outcomes))),
        ("S3", f"{streaming.images} images back unchanged, loopback"),
    ]
    for title, lines in (("Where things are", places), ("What came out", headlines)):
        console.say(f"\n{title}")
        for name, text in lines:
            console.say(f"  {name:<14} {text}")
    return 0


if __name__ == "__main__":
    console.run(main)
