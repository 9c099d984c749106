"""Render every page from its template and the result files.

    python -m faceproof.reports.render            # README, question pages, cards
    python -m faceproof.reports.render --check    # exit code 1 if a page is stale

Reads `*.md.j2` and the result files under `--root`, writes the pages there. No number is typed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from faceproof import console, results, settings
from faceproof.errors import InputError
from faceproof.reports.cards import render_dataset_card
from faceproof.reports.environments import render_environment
from faceproof.reports.templates import REPOSITORY, render_template
from faceproof.storage import replacing

PAGES: Mapping[str, str] = {
    "README.md": "README.md.j2",
    "hub_card.md": "training/hub_card.md.j2",
    **{f"question_0{n}/README.md": f"question_0{n}/answer.md.j2" for n in range(1, 5)},
}
_SOURCES = {
    "build": "dataset_builder/results.json",
    "sampling": "question_01/results.json",
    "audit": "question_02/results.json",
    "training": "training/results.json",
    "prediction": "question_03/results.json",
    "streaming": "question_04/results.json",
}
_METADATA_TABLE = "question_01/metadata.csv"
_CARD = "dataset_builder/README.md"


@dataclass(frozen=True)
class RenderSettings:
    """Which pages, and whether to write or to compare."""

    root: Path = field(
        default=REPOSITORY, metadata={"help": "folder that holds results and receives the pages"}
    )
    dataset: Path = field(
        default=REPOSITORY / "dataset_builder",
        metadata={"help": "dataset folder whose card is rendered too, if it was built"},
    )
    check: bool = field(default=False, metadata={"help": "write nothing; fail if a page is stale"})


class Numbers:
    """A result file as templates see it: `numbers.records`, `numbers.interval("auroc")`."""

    def __init__(self, file: results.ResultFile) -> None:
        """Wrap a result file."""
        self._values = file.values
        self.size = file.size
        self.provenance = file.provenance

    def __getattr__(self, name: str) -> results.Scalar:
        """A value by name; Jinja reports names that were not measured."""
        try:
            return self._values[name]
        except KeyError as error:
            raise AttributeError(f"no value {name} in the results") from error

    def setting(self, name: str) -> str:
        """A setting of the run that wrote the file."""
        recorded = self.provenance["settings"]
        return str(recorded[name]) if isinstance(recorded, dict) else ""

    def interval(self, name: str, digits: int = 3) -> str:
        """A measured value with its 95 % interval, count and size, as prose."""
        value, low, high = (self._values[f"{name}{part}"] for part in ("", "_low", "_high"))
        return (
            f"{value:.{digits}f} (95 % interval {low:.{digits}f} to {high:.{digits}f}, "
            f"n = {self._values[f'{name}_n']}, {self.size})"
        )


def main() -> int:
    """Render or compare all pages."""
    run = settings.read(RenderSettings, __doc__)
    slots = _read_slots(run.root)
    stale = []
    for page, text in _render_pages(slots):
        path = run.root / page
        if run.check:
            stale += [page] if not path.is_file() or path.read_text() != text else []
        else:
            _write(path, text)
    if stale:
        raise InputError(f"stale pages: {', '.join(stale)}; run python -m faceproof.reports.render")
    if not run.check:
        _render_built_card(run.root, run.dataset)
        console.say(f"pages        {run.root / 'README.md'} and the others")
    return 0


def read_numbers(root: Path) -> dict[str, Numbers]:
    """All result files under a root, by the name templates use.

    Raises:
        InputError: a file is missing.
    """
    return {name: Numbers(results.read(root / place)) for name, place in _SOURCES.items()}


def _read_slots(root: Path) -> dict[str, object]:
    numbers = read_numbers(root)
    try:
        table = pd.read_csv(root / _METADATA_TABLE, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(f"no table at {root / _METADATA_TABLE}; run `make results`") from error
    return {**numbers, "metadata": _to_markdown(table)}


def _render_pages(slots: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for page, template in PAGES.items():
        yield page, render_template(template, **slots)
    pyproject = (REPOSITORY / "pyproject.toml").read_text()
    yield "environment.yaml", render_environment(pyproject)


def _render_built_card(root: Path, dataset: Path) -> None:
    """Renew the prose of the built dataset's card; its YAML block is the builder's."""
    path = dataset / Path(_CARD).name
    if not path.is_file():
        return
    metadata = path.read_text().split("---\n", 2)[1]
    build = results.read(root / _SOURCES["build"])
    if f"fingerprint: {build.values['fingerprint']}\n" in metadata:
        _write(path, render_dataset_card(metadata, build.values))


def _to_markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text)


if __name__ == "__main__":
    console.run(main)
