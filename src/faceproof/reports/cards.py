"""Cards: what the Hub shows of a dataset or model."""

from collections.abc import Mapping

from faceproof.metrics import Measured
from faceproof.reports.templates import render_template
from faceproof.results import Scalar

DATASET_FIELDS: dict[str, object] = {
    "pretty_name": "faceproof: faces, real and fake",
    "license": "other",
    "license_name": "orl-faces-credit-request",
    "task_categories": ["image-classification"],
    "size_categories": ["1K<n<10K"],
    "tags": ["deepfake-detection", "face-forgery", "image-forensics"],
}


def render_dataset_card(metadata: str, values: Mapping[str, Measured | Scalar]) -> str:
    """The dataset card: YAML block and prose.

    Args:
        metadata: the YAML block, without its `---` lines.
        values: of the build's result file.
    """
    return render_template("dataset_builder/card.md.j2", metadata=metadata, build=values)


def render_zip_readme(values: Mapping[str, Measured | Scalar]) -> str:
    """The README inside the mini-dataset zip.

    Args:
        values: of the build's result file.
    """
    return render_template("dataset_builder/mini_zip.md.j2", build=values)
