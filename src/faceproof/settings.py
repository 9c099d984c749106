"""A run is a recipe plus command-line overrides, read into one frozen dataclass."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from transformers import HfArgumentParser

from faceproof.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


class _Formatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keep the line breaks of a script's docstring and show defaults."""


def read(
    kind: type[Settings], description: str | None, argv: Sequence[str] | None = None
) -> Settings:
    """Read `--config RECIPE` and the arguments after it into `kind`.

    Recipe entries become command-line words first, so `5e-5` is a number and arguments win.

    Args:
        kind: a frozen dataclass whose fields carry `metadata={"help": ...}`.
        description: shown by `--help`; pass the script's docstring.
        argv: words after the script's name; the process's own by default.

    Raises:
        SettingsError: unreadable recipe, unknown recipe key, or a value of the wrong kind.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path)
    recipe: Path | None = finder.parse_known_args(words)[0].config
    recipe_words = [] if recipe is None else _read_recipe(recipe, kind)
    parser = _make_parser(kind, description)
    parsed = parser.parse_args(recipe_words + words)
    run = kind(**{entry.name: getattr(parsed, entry.name) for entry in fields(kind)})
    if getattr(run, "seed", 0) < 0:
        raise SettingsError("seed is below 0; seeds are whole numbers from 0")
    return run


def require_positive(settings: object, *names: str) -> None:
    """Refuse whole numbers below 1.

    Raises:
        SettingsError: with the first such name.
    """
    for name in names:
        if getattr(settings, name) < 1:
            raise SettingsError(f"{name} is {getattr(settings, name)}; it must be 1 or more")


def require_rate(settings: object, name: str) -> None:
    """Refuse a share of errors that is none, or no better than a coin.

    Raises:
        SettingsError: with the name.
    """
    if not 0 < getattr(settings, name) < 0.5:
        raise SettingsError(f"{name} is {getattr(settings, name)}; it must be between 0 and 0.5")


def _make_parser(kind: type, description: str | None, **options: Any) -> HfArgumentParser:
    parser = HfArgumentParser(
        kind, description=description, formatter_class=_Formatter, allow_abbrev=False, **options
    )
    parser.add_argument("--config", type=Path, help="recipe (YAML); arguments override its entries")
    return parser


def _read_recipe(recipe: Path, kind: type) -> list[str]:
    try:
        entries = yaml.safe_load(recipe.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"cannot read recipe {recipe}: {reason}") from error
    if not isinstance(entries, dict):
        raise SettingsError(f"recipe {recipe} must be a list of `name: value` lines")
    known = {field.name for field in fields(kind)}
    unknown = sorted(str(name) for name in entries if name not in known)
    if unknown:
        raise SettingsError(
            f"recipe {recipe}: unknown setting {', '.join(unknown)}; "
            f"known are {', '.join(sorted(known))}"
        )
    words = _to_words(entries)
    _check_values(words, recipe, kind)
    return words


def _to_words(entries: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in entries.items():
        if value is None:
            continue
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *(str(one) for one in values)]
    return words


def _check_values(words: list[str], recipe: Path, kind: type) -> None:
    parser = _make_parser(kind, None, exit_on_error=False)
    for action in parser._actions:
        action.required = False
    try:
        parser.parse_args(words)
    except argparse.ArgumentError as error:
        raise SettingsError(f"recipe {recipe}: {error}") from error
