"""A run is a recipe plus command-line overrides, read into frozen dataclasses.

A field may say in its metadata under which title `--help` lists it (`group`).

A field that names a place says in its metadata what the place is for (`place`), and is checked here
before anything is read or written:

- `input`: read; a path, an address or a name on the Hub.
- `file`: a file that is written.
- `folder`: a folder that files are written into.
- `replaced`: a folder that is written as a whole.
- `store`: a folder or an s3:// address that a store is written to.
- `inside`: a folder in which only files of fixed names are written, each checked by itself.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import Field, fields
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import yaml
from transformers import HfArgumentParser

from faceproof import storage
from faceproof.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Settings = TypeVar("Settings", bound="DataclassInstance")


_COMMON: Mapping[str, str] = {
    "output_dir": "folder for the model, checkpoints, results, history and figure; always given",
    "num_train_epochs": "passes over the training images",
    "max_steps": "stop after so many steps, whatever the epochs",
    "per_device_train_batch_size": "images in a step, on each device",
    "gradient_accumulation_steps": "batches whose gradients are summed before a step",
    "learning_rate": "its peak",
    "warmup_steps": "steps until the peak; below 1, a share of all steps",
    "bf16": "mixed precision",
    "use_cpu": "even where there is a GPU",
    "resume_from_checkpoint": "a checkpoint folder, or `true` for the last of output_dir",
    "save_total_limit": "checkpoints that are kept beside the best",
    "report_to": "none, tensorboard, trackio, ...",
    "push_to_hub": "send the finished model to `hub_model_id`",
    "seed": "of weights, order, augmentation and intervals",
}


class _Parser(HfArgumentParser):  # type: ignore[misc]  # transformers is not read by mypy
    """The library's parser; of a field's metadata it is given what it knows.

    What cannot be read is an error of ours, one line, and a near miss says what was meant.
    """

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message}; --help says what there is")

    def refuse_unknown(self, words: Iterable[str]) -> None:
        """Refuse options that there are not.

        Raises:
            SettingsError: with the option whose name is nearest.
        """
        for word in words:
            name = word.split("=", 1)[0]
            if name.startswith("--") and name not in self._option_string_actions:
                near = get_close_matches(name, self._option_string_actions, 1)
                meant = f"; do you mean {near[0]}?" if near else "; --help lists all"
                raise SettingsError(f"there is no option {name}{meant}")

    @staticmethod
    def _parse_dataclass_field(parser: argparse.ArgumentParser, field: "Field[Any]") -> None:
        known = copy(field)
        known.metadata = MappingProxyType(
            {
                name: value
                for name, value in field.metadata.items()
                if name not in ("place", "group")
            }
        )
        title = field.metadata.get("group")
        groups = {one.title: one for one in parser._action_groups}
        place = parser if title is None else groups.get(title) or parser.add_argument_group(title)
        HfArgumentParser._parse_dataclass_field(place, known)


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
        SettingsError: unreadable recipe, unknown option or recipe key, or a value of the wrong
            kind.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    (run,) = _parse((kind,), _list_places(kind), description, words)
    return cast(Settings, run)


def read_training(
    kinds: Sequence[type], defaults: Mapping[str, object], description: str | None,
    argv: Sequence[str] | None = None,
) -> list[Any]:  # fmt: skip
    """The same into several dataclasses, the last of them `transformers.TrainingArguments`.

    `--help` lists the fields of `kinds` alone, because to read the library's takes seconds.

    Args:
        kinds: frozen dataclasses of ours.
        defaults: for fields of `TrainingArguments`, in place of the library's own.
        description: shown by `--help`; pass the script's docstring.
        argv: words after the script's name; the process's own by default.

    Raises:
        SettingsError: as `read`, and what the library refuses.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not {"-h", "--help"}.isdisjoint(words):
        _make_parser(kinds, description, epilog=_describe_library(defaults)).parse_args(["--help"])
    from transformers import TrainingArguments  # noqa: PLC0415  # imports torch: after `--help`

    places = {"output_dir": "folder"}
    for kind in kinds:
        places |= _list_places(kind)
    before = _to_words(defaults)
    try:
        return _parse((*kinds, TrainingArguments), places, description, words, before)
    except (ValueError, RuntimeError, ImportError) as error:
        raise SettingsError(" ".join(str(error).split())) from error


def _describe_library(defaults: Mapping[str, object]) -> str:
    """What `--help` says of the library's options."""
    common = "".join(f"\n  --{name:<30} {about}" for name, about in _COMMON.items())
    ours = "".join(f"\n  --{name:<30} {value}" for name, value in defaults.items())
    return (
        "Every field of transformers.TrainingArguments is an option, too. The commonest:"
        f"{common}\n\nDefaults of these options that are not the library's:{ours}"
    )


def _parse(
    kinds: Sequence[type], places: Mapping[str, str], description: str | None,
    words: list[str], defaults: Sequence[str] = (),
) -> list[Any]:  # fmt: skip
    """One object of each kind from the words, the recipe they name, and words that come before."""
    _refuse_empty(words)
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--config", type=Path)
    parser = _make_parser(kinds, description)
    parser.refuse_unknown(words)
    try:
        recipe: Path | None = finder.parse_known_args(words)[0].config
    except argparse.ArgumentError as error:
        raise SettingsError(str(error)) from error
    recipe_words = [] if recipe is None else _read_recipe(recipe, kinds)
    values = vars(parser.parse_args([*defaults, *recipe_words, *words]))
    if values.get("output_dir", "") is None:  # the library would make a folder of its own
        parser.error("the following arguments are required: --output_dir")
    if values.get("seed", 0) < 0:
        raise SettingsError("seed is below 0; seeds are whole numbers from 0")
    values |= _check_places(places, values)
    return [
        kind(**{one.name: values[one.name] for one in fields(kind) if one.init}) for kind in kinds
    ]


def _list_places(kind: type) -> dict[str, str]:
    """What the places that a kind names are for."""
    return {one.name: one.metadata["place"] for one in fields(kind) if "place" in one.metadata}


def option(text: str, place: str = "", group: str = "") -> dict[str, str]:
    """Metadata of a field: its help, what place it names (see above), its title in `--help`."""
    said = {"help": text, "place": place, "group": group}
    return {name: value for name, value in said.items() if value}


def _refuse_empty(words: Sequence[str]) -> None:
    """An empty path would mean the current folder."""
    for option, word in pairwise(["", *words]):
        if not word.strip() or (word.endswith("=") and word.startswith("--")):
            raise SettingsError(f"{option or word} is empty; give a value or leave it out")


def _check_places(uses: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """The places with `~` written out; refuses destinations that are not free or not ours."""
    found = {name: _expand(values[name], use) for name, use in uses.items()}
    _refuse_same([found[name] for name, use in uses.items() if use == "file"])
    inputs = [one for name, use in uses.items() if use == "input" for one in _to_list(found[name])]
    for name, use in uses.items():
        for output in _to_list(found[name]) if use not in ("input", "inside") else ():
            for source in inputs:
                _refuse_overlap(str(output), str(source))
            if not str(output).startswith(_STORES):
                _CHECKS[use](Path(output))
    return found


_STORES = "s3://"
_CHECKS: Mapping[str, Callable[[Path], Path]] = {
    "file": storage.check_file,
    "folder": storage.check_folder,
    "replaced": storage.check_replaceable,
    "store": storage.check_folder,
}


def _expand(value: Any, use: str) -> Any:
    if isinstance(value, list):
        return [_expand(one, use) for one in value]
    if isinstance(value, Path):
        return storage.expand_home(value) if use == "input" else storage.expand(value)
    if isinstance(value, str) and use == "folder":
        return str(storage.expand(Path(value)))
    return str(storage.expand_home(Path(value))) if str(value).startswith("~") else value


def _refuse_same(outputs: Iterable[Path | None]) -> None:
    """Two results at one place: the second would replace the first."""
    seen: set[Path] = set()
    for one in outputs:
        if one is None:
            continue
        place = Path(os.path.realpath(one))
        if place in seen:
            raise SettingsError(f"two results would be written to {one}; give each its own name")
        seen.add(place)


def _to_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _refuse_overlap(output: str, source: str) -> None:
    """Compare paths with paths, and addresses with addresses."""
    if output.startswith(_STORES) or source.startswith(_STORES):
        first, second = (f"{one.rstrip('/')}/" for one in (output, source))
        if first.startswith(second) or second.startswith(first):
            raise SettingsError(
                f"cannot write to {output}: the input {source} is the same, lies in it or holds "
                "it; give another place"
            )
        return
    try:
        is_here = Path(source).exists()
    except (OSError, ValueError):  # a name that no file system takes
        return
    if is_here:
        storage.refuse_overlap(Path(output), Path(source))
    elif (
        Path(output).exists()
        and any(one in source for one in "*?[")
        and (Path(output).resolve().match(source))
    ):
        raise SettingsError(f"cannot write {output}: the pattern {source} means it too")


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


def _make_parser(kinds: Sequence[type], description: str | None, **options: Any) -> _Parser:
    parser = _Parser(
        kinds, description=description, formatter_class=_Formatter, allow_abbrev=False, **options
    )
    parser.add_argument("--config", type=Path, help="recipe (YAML); arguments override its entries")
    return parser


def _read_recipe(recipe: Path, kinds: Sequence[type]) -> list[str]:
    try:
        entries = yaml.safe_load(recipe.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"cannot read recipe {recipe}: {reason}") from error
    if not isinstance(entries, dict):
        raise SettingsError(f"recipe {recipe} must be a list of `name: value` lines")
    known = [field.name for kind in kinds for field in fields(kind) if field.init]
    unknown = [str(name) for name in entries if name not in known]
    if unknown:
        near = get_close_matches(unknown[0], known, 1)
        meant = f"do you mean {near[0]}?" if near else "--help lists all"
        raise SettingsError(f"recipe {recipe}: unknown setting {', '.join(unknown)}; {meant}")
    words = _to_words(entries)
    _refuse_empty(words)
    _check_values(words, recipe, kinds)
    return words


def _to_words(entries: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in entries.items():
        if value is None:
            continue
        values = value if isinstance(value, list) else [value]
        words += [f"--{name}", *(str(one) for one in values)]
    return words


def _check_values(words: list[str], recipe: Path, kinds: Sequence[type]) -> None:
    parser = _make_parser(kinds, None, exit_on_error=False)
    for action in parser._actions:
        action.required = False
    try:
        parser.parse_args(words)
    except argparse.ArgumentError as error:
        raise SettingsError(f"recipe {recipe}: {error}") from error
