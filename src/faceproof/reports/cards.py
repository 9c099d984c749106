"""Cards: what the Hub shows of a dataset or model."""

from collections.abc import Mapping
from importlib.metadata import version

from faceproof.metrics import Measured
from faceproof.records import DESCRIPTIONS
from faceproof.reports.facts import read_facts
from faceproof.reports.numbers import read_numbers
from faceproof.reports.templates import REPOSITORY, render_template
from faceproof.results import Scalar

_LICENCES: dict[str, dict[str, object]] = {
    "orl": {"license": "other", "license_name": "orl-faces-credit-request"},
    "portraits": {"license": "other", "license_name": "public-domain"},
    "collection": {"license": "other", "license_name": "of-the-sets-it-holds"},
    "hub": {"license": "unknown"},  # that of the dataset the photos come from
    "folder": {"license": "unknown"},  # the owner of the photos fills it in before publishing
}


def list_fields(source: str) -> dict[str, object]:
    """The card's fields beside those of the data: name, licence, task, tags."""
    return {
        "pretty_name": "faceproof: faces, real and fake",
        **_LICENCES[source],
        "task_categories": ["image-classification"],
        "tags": ["deepfake-detection", "face-forgery", "image-forensics"],
    }


def render_dataset_card(metadata: str, values: Mapping[str, Measured | Scalar]) -> str:
    """The dataset card: YAML block and prose.

    Args:
        metadata: the YAML block, without its `---` lines.
        values: of the build's result file.
    """
    return render_template(
        "dataset_builder/card.md.j2",
        metadata=metadata,
        build=values,
        columns=DESCRIPTIONS,
        facts=read_facts(values),
    )


def render_zip_readme(values: Mapping[str, Measured | Scalar]) -> str:
    """The README inside the mini-dataset zip.

    Args:
        values: of the build's result file.
    """
    return render_template("dataset_builder/mini_zip.md.j2", build=values)


def render_space_card() -> str:
    """The README of the Space, whose YAML block says how it is run; from the tracked results."""
    numbers = read_numbers(REPOSITORY)
    return render_template("training/space_card.md.j2", gradio_version=version("gradio"), **numbers)
