"""Result files as pages see them."""

from collections.abc import Mapping
from pathlib import Path

from faceproof import results

SOURCES: Mapping[str, str] = {
    "build": "dataset_builder/results.json",
    "sampling": "question_01/results.json",
    "audit": "question_02/results_audit.json",
    "training": "training/results.json",
    "prediction": "question_03/results.json",
    "streaming": "question_04/results_store.json",
}
# Runs with Makefile targets of their own: always the tracked ones.
TRACKED: Mapping[str, str] = {
    "orl": "dataset_builder/results_orl.json",
    "portraits": "dataset_builder/results_portraits.json",
    "throughput": "dataset_builder/results_throughput.json",
    "protocol": "question_03/results_protocol.json",
    "atto": "training/results_portraits.json",
    "release_build": "dataset_builder/results_release.json",
    "released": "training/results_released.json",
    "rd_test": "question_03/results_rd_test.json",
    "released_small": "training/results_small.json",
    "gate": "training/results_gate.json",
    "speeds": "training/results_speed.json",
    "bench": "question_02/results.json",
    "growth": "question_02/results_growth.json",
    "coverage": "question_02/results_coverage.json",
    "planted": "question_02/results_planted.json",
    "worked_training": "question_02/results_worked_training.json",
    "worked": "question_02/results_worked.json",
    "worked_clean": "question_02/results_worked_clean.json",
    "scale": "question_04/results.json",
}

_RANKS = ("fail", "underpowered", "pass", "not_applicable")
EXPERIMENTS = "training/experiments"


class Numbers:
    """A result file as templates see it: `numbers.records`, `numbers.interval("auroc")`."""

    def __init__(self, file: results.ResultFile) -> None:
        """Wrap a result file."""
        self._values, self.size, self.provenance = file.values, file.size, file.provenance

    @property
    def origin(self) -> str:
        """Size, commit and command, for the foot of a page."""
        commit = str(self.provenance["commit"])[:12]
        state = " with uncommitted changes" if self.provenance["dirty"] else ""
        return f"{self.size}, commit {commit}{state}, `{self.provenance['command']}`"

    def __getattr__(self, name: str) -> results.Scalar:
        """A value by name; Jinja reports names that were not measured."""
        try:
            return self._values[name]
        except KeyError as error:
            raise AttributeError(f"no value {name} in the results") from error

    def __getitem__(self, name: str) -> results.Scalar:
        """A value by a name that a template puts together."""
        return self._values[name]

    @property
    def findings(self) -> dict[str, str]:
        """The outcome of each check of an audit, by code."""
        return {name: str(self._values[f"{name}_outcome"]) for name in self.names("", "_outcome")}

    def ranked_findings(self) -> list[tuple[str, str]]:
        """Codes and outcomes of an audit, what failed first, in the order of the report within."""
        return sorted(self.findings.items(), key=lambda finding: _RANKS.index(finding[1]))

    def names(self, prefix: str, suffix: str) -> list[str]:
        """What stands between prefix and suffix in the names of values, in their order."""
        return [
            name[len(prefix) : len(name) - len(suffix)]
            for name in self._values
            if len(name) > len(prefix) + len(suffix)
            and name.startswith(prefix)
            and name.endswith(suffix)
        ]

    def ranked(self, prefix: str, suffix: str) -> list[str]:
        """The same names, the largest value first."""
        names = self.names(prefix, suffix)
        return sorted(names, key=lambda name: -float(self._values[f"{prefix}{name}{suffix}"] or 0))

    def setting(self, name: str) -> str:
        """A setting of the run that wrote the file."""
        recorded = self.provenance["settings"]
        return str(recorded[name]) if isinstance(recorded, dict) else ""

    def setting_if_any(self, name: str) -> str:
        """The same, empty where the run had no such setting or did not use it."""
        recorded = self.provenance["settings"]
        value = recorded.get(name) if isinstance(recorded, dict) else None
        return "" if value is None else str(value)

    def has(self, name: str) -> bool:
        """True if the file has a value of this name."""
        return name in self._values

    @property
    def left_out(self) -> str:
        """What a training run never saw; empty where that is nothing."""
        return self.setting_if_any("leave_out")

    @property
    def init(self) -> str:
        """What a training run began with."""
        return self.setting_if_any("init")

    def share(self, name: str) -> str:
        """A share with its exact interval: `20 of 20 (0.83-1.00)`."""
        count = int(self._values[f"{name}_n"] or 0)
        share, low, high = self._spread(name)
        return f"{round(count * share)} of {count} ({low:.2f}-{high:.2f})"

    def range(self, name: str) -> str:
        """A median with the lowest and highest, in whole numbers: `4102 (3900-4230)`."""
        return "{:.0f} ({:.0f}-{:.0f})".format(*self._spread(name))

    def spread(self, name: str) -> str:
        """A median of repeats with the lowest and highest: `1.36 (1.35-1.38)`."""
        return "{:.2f} ({:.2f}-{:.2f})".format(*self._spread(name))

    def tenths(self, name: str) -> str:
        """A value with one digit after the point, a dash where it was not measured."""
        value = self._values.get(name)
        return "-" if value is None else f"{float(value):.1f}"

    def interval(self, name: str, digits: int = 3) -> str:
        """A measured value with its 95 % interval, count and size, as prose."""
        value, low, high = (f"{one:.{digits}f}" for one in self._spread(name))
        count = self._values[f"{name}_n"]
        return f"{value} (95 % interval {low} to {high}, n = {count}, {self.size})"

    def bounds(self, name: str) -> str:
        """The 95 % interval of a measured value alone: `0.877 to 0.929`."""
        _, low, high = self._spread(name)
        return f"{low:.3f} to {high:.3f}"

    def short(self, name: str) -> str:
        """A value with its interval, short enough for a table: `0.51 (0.49-0.53)`."""
        value = self._values[name]
        if value is None or f"{name}_low" not in self._values:
            return "" if value is None else f"{value}"
        shown, low, high = (f"{one:.2f}".replace("-0.00", "0.00") for one in self._spread(name))
        between = " to " if "-" in shown + low + high else "-"
        return f"{shown} ({low}{between}{high})"

    def gate(self, family: str, probe: str) -> str:
        """What a gate of the build measured, short enough for a table: `0.51 (0.49-0.53)`."""
        name = f"gate_{family}_{probe}"
        if self._values[name] is None:
            return str(self._values[f"{name}_outcome"])
        mark = " **fail**" if self._values[f"{name}_outcome"] == "fail" else ""
        return f"{self.short(name)}{mark}"

    def _spread(self, name: str) -> tuple[float, float, float]:
        value, low, high = (float(self[f"{name}{part}"] or 0) for part in ("", "_low", "_high"))
        return value, low, high


def read_numbers(root: Path) -> dict[str, Numbers]:
    """All result files under a root, and the tracked ones of long runs, by the name templates use.

    Raises:
        InputError: a file is missing.
    """
    here = {name: root / place for name, place in SOURCES.items()}
    tracked = {name: results.REPOSITORY / place for name, place in TRACKED.items()}
    return {name: Numbers(results.read(path)) for name, path in (here | tracked).items()}


def read_experiments() -> dict[str, Numbers]:
    """What was tried for the released detector, by the names of the result files."""
    files = sorted((results.REPOSITORY / EXPERIMENTS).glob("*.json"))
    return {path.stem: Numbers(results.read(path)) for path in files}
