import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faceproof import settings
from faceproof.errors import SettingsError


@dataclass(frozen=True)
class Sample:
    output: Path
    rate: float = field(default=0.1, metadata={"help": "per second"})
    sizes: list[int] = field(default_factory=lambda: [1])
    is_quick: bool = True
    label: str | None = None


def write(folder: Path, text: str) -> str:
    recipe = folder / "recipe.yaml"
    recipe.write_text(text)
    return str(recipe)


def test_arguments_override_the_recipe_and_numbers_are_numbers(tmp_path: Path) -> None:
    recipe = write(tmp_path, "output: a\nrate: 5e-5\nsizes: [3, 4]\nis_quick: false\nlabel: null\n")
    read = settings.read(Sample, "doc", ["--config", recipe, "--output", "b"])
    assert read == Sample(Path("b"), 5e-5, [3, 4], is_quick=False, label=None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("output: a\nspeed: 3\n", "unknown setting speed"),
        ("output: a\nrate: quick\n", "invalid float value"),
        ("- output\n", "must be a list of"),
        ("output: [\n", "cannot read recipe"),
    ],
    ids=["unknown key", "bad value", "not a mapping", "not yaml"],
)
def test_a_bad_recipe_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings.read(Sample, None, ["--config", write(tmp_path, text)])


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read recipe"):
        settings.read(Sample, None, ["--config", str(tmp_path / "none.yaml")])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--output"], "--output: expected one argument"),
        (["--config"], "--config: expected one argument"),
        (["--output", "a", "--rat", "3"], "there is no option --rat; do you mean --rate?"),
        (["--output", "a", "--rate", "fast"], "--rate: invalid float value: 'fast'"),
        (["--output", "a", "--zzz=1"], "there is no option --zzz; --help lists all"),
        ([], "the following arguments are required: --output"),
    ],
)
def test_wrong_usage_is_one_line(words: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as refused:
        settings.read(Sample, None, words)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--count", "0"]])
def test_values_that_make_no_run_are_refused(words: list[str]) -> None:
    @dataclass(frozen=True)
    class Counted:
        seed: int = 0
        count: int = 1

        def __post_init__(self) -> None:
            settings.require_positive(self, "count")

    with pytest.raises(SettingsError, match=words[0].strip("-")):
        settings.read(Counted, None, words)


def test_help_lists_options_by_group(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass(frozen=True)
    class Grouped:
        first: int = field(default=1, metadata={"group": "numbers", "help": "the first"})
        word: str = "a"
        second: bool = field(default=True, metadata={"group": "numbers", "help": "the second"})

    with pytest.raises(SystemExit):
        settings.read(Grouped, None, ["--help"])
    options, numbers = capsys.readouterr().out.split("\nnumbers:\n")
    assert "--word" in options
    assert all(name in numbers for name in ("--first", "--second", "--no_second"))
    assert settings.read(Grouped, None, ["--first", "3", "--no_second"]) == Grouped(3, "a", False)


def test_two_results_at_one_place_are_refused(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Two:
        first: Path = field(metadata={"place": "file"})
        second: Path | None = field(default=None, metadata={"place": "file"})

    words = ["--first", str(tmp_path / "a.csv")]
    assert settings.read(Two, None, words).second is None
    with pytest.raises(SettingsError, match="two results would be written to"):
        settings.read(Two, None, [*words, "--second", str(tmp_path / "b" / ".." / "a.csv")])
