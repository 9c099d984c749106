"""Prose with named slots: templates lie beside what they describe, numbers come from results."""

from collections.abc import Mapping
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from faceproof.errors import InputError
from faceproof.metrics import Measured
from faceproof.results import REPOSITORY, Scalar

Values = Mapping[str, Measured | Scalar]


def render_template(template: str, **slots: object) -> str:
    """Fill a template of the repository; a slot without a value stops it.

    Args:
        template: path below the repository's root.
        slots: what the template may name.

    Raises:
        InputError: the template is missing, broken, or names a number that was not measured.
    """
    loader = FileSystemLoader(REPOSITORY)
    environment = Environment(
        loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True, autoescape=template.endswith(".html.j2"),
    )  # fmt: skip
    environment.globals["citation"] = _cite
    try:
        return environment.get_template(template).render(**slots)
    except TemplateError as error:
        raise InputError(f"cannot render {template}: {error}; run `make results` first") from error


def read_facts(values: Values) -> dict[str, Any]:
    """What there is to say of a build, for card, datasheet and Croissant file: sentences, dates."""
    facts: dict[str, Any] = yaml.safe_load(
        render_template("dataset_builder/facts.yaml.j2", build=values)
    )
    return facts


def _cite() -> str:
    """How to cite this project, as BibTeX, from CITATION.cff."""
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    authors = " and ".join(f"{{{one['name']}}}" for one in cited["authors"])
    return (
        "@software{faceproof,\n"
        f"  title = {{{cited['title']}}},\n"
        f"  author = {{{authors}}},\n"
        f"  version = {{{cited['version']}}},\n"
        f"  license = {{{cited['license']}}}\n"
        "}"
    )
