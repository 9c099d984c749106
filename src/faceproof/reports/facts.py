"""What there is to say of a built dataset, once, for its card, datasheet and Croissant file."""

from collections.abc import Mapping
from typing import Any

import yaml

from faceproof.metrics import Measured
from faceproof.reports.templates import render_template
from faceproof.results import Scalar

Values = Mapping[str, Measured | Scalar]


def read_facts(values: Values) -> dict[str, Any]:
    """What there is to say of a build by topic: sentences, and the dates of its photos."""
    facts: dict[str, Any] = yaml.safe_load(
        render_template("dataset_builder/facts.yaml.j2", build=values)
    )
    return facts
