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
from faceproof.data.shards import CARD_NAME, split_card
from faceproof.errors import InputError
from faceproof.reports.cards import render_dataset_card, render_model_card
from faceproof.reports.environments import render_environment
from faceproof.reports.numbers import SOURCES, read_experiments, read_numbers
from faceproof.reports.templates import REPOSITORY, render_template
from faceproof.storage import PAGE_MARK, replacing

PAGES: Mapping[str, str] = {
    "README.md": "README.md.j2",
    "training/EXPERIMENTS.md": "training/experiments.md.j2",
    **{f"question_0{n}/README.md": f"question_0{n}/answer.md.j2" for n in range(1, 5)},
}
MODEL_CARDS = ("hub_card.md", "training/released/README.md", "training/released_small/README.md")
_MODEL = "build/released"
METADATA_TABLE = "question_01/metadata.csv"


@dataclass(frozen=True)
class RenderSettings:
    """Which pages, and whether to write or to compare."""

    root: Path = field(
        default=REPOSITORY,
        metadata={"help": "folder that holds results and receives the pages", "place": "inside"},
    )
    dataset: Path = field(
        default=REPOSITORY / "dataset_builder",
        metadata={
            "help": "dataset folder whose card is rendered too, if it was built",
            "place": "inside",
        },
    )
    check: bool = field(default=False, metadata={"help": "write nothing; fail if a page is stale"})


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


def _read_slots(root: Path) -> dict[str, object]:
    numbers = read_numbers(root)
    try:
        table = pd.read_csv(root / METADATA_TABLE, dtype=str, keep_default_na=False)
    except FileNotFoundError as error:
        raise InputError(f"no table at {root / METADATA_TABLE}; run `make results`") from error
    return {**numbers, "metadata": _to_markdown(table), "experiments": read_experiments()}


def _render_pages(slots: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for page, template in PAGES.items():
        yield page, _mark(render_template(template, **slots))
    for page in MODEL_CARDS:
        yield page, _mark(render_model_card(_MODEL))
    pyproject = (REPOSITORY / "pyproject.toml").read_text()
    yield "environment.yaml", render_environment(pyproject)


def _render_built_card(root: Path, dataset: Path) -> None:
    """Renew the prose of the built dataset's card; its YAML block is the builder's."""
    path = dataset / CARD_NAME
    if not path.is_file():
        return
    metadata, _ = split_card(path.read_text())
    build = results.read(root / SOURCES["build"])
    if f"fingerprint: {build.values['fingerprint']}\n" in metadata:
        _write(path, render_dataset_card(metadata, build.values))


def _mark(page: str) -> str:
    """The page with a last line that says what made it, so that it may be made again."""
    return f"{page.rstrip()}\n\n{PAGE_MARK}\n"


def _to_markdown(table: pd.DataFrame) -> str:
    rows = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text)


if __name__ == "__main__":
    console.run(main)
