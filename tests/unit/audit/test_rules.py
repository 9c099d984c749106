import pytest

from faceproof.audit import rules
from faceproof.metrics import Measured


@pytest.mark.parametrize(
    ("low", "value", "high", "outcome"),
    [
        (0.11, 0.2, 0.3, "fail"),  # limit 0.10, margin 0.05
        (0.05, 0.2, 0.3, "underpowered"),
        (0.0, 0.05, 0.14, "pass"),
        (0.0, 0.05, 0.16, "underpowered"),
        (0.0, 0.11, 0.14, "underpowered"),
    ],
)
def test_above_a_limit(low: float, value: float, high: float, outcome: str) -> None:
    found = rules.judge("calibration", Measured(value, 10, low, high))
    assert found.outcome == outcome
    assert (found.value, found.n, found.limit) == (value, 10, 0.10)


@pytest.mark.parametrize(
    ("low", "value", "high", "outcome"),
    [
        (0.4, 0.5, 0.59, "fail"),  # limit 0.60, below is bad
        (0.4, 0.5, 0.61, "underpowered"),
        (0.56, 0.62, 0.7, "pass"),
        (0.54, 0.62, 0.7, "underpowered"),
    ],
)
def test_below_a_limit(low: float, value: float, high: float, outcome: str) -> None:
    assert rules.judge("low_pass", Measured(value, 10, low, high)).outcome == outcome


def test_what_could_not_be_measured_is_underpowered_and_what_is_missing_not_applicable() -> None:
    nothing = rules.judge("low_pass", None, "Too few", 7)
    assert (nothing.outcome, nothing.value, nothing.n) == ("underpowered", None, 7)
    assert nothing.meaning.endswith("Too few.")
    told = rules.skip("shortcut_file", "Told.", Measured(0.9, 10, 0.8, 1.0))
    assert (told.outcome, told.value) == ("not_applicable", 0.9)


def test_power_says_what_would_have_failed() -> None:
    upper = rules.judge("calibration", Measured(0.05, 10, 0.03, 0.10))
    assert upper.power == "With these images a value above 0.12 would have failed."
    lower = rules.judge("low_pass", Measured(0.9, 10, 0.85, 0.93))
    assert lower.power == "With these images a value below 0.57 would have failed."


def test_what_was_counted_fails_by_one_and_names_five() -> None:
    assert rules.count("leak_identity", [], 40).outcome == "pass"
    found = rules.count("leak_identity", [f"p{number}" for number in range(8)], 40)
    assert (found.outcome, found.value, found.n) == ("fail", 8, 40)
    assert "p4; and 3 more" in found.meaning
    assert "p5" not in found.meaning


def test_codes_are_unique() -> None:
    assert len(rules.RULES) == len(rules._list_rules())
