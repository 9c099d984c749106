"""Prose with named slots: templates lie beside what they describe, numbers come from results."""

from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from faceproof.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[3]


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
