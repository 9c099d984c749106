import pytest

from faceproof.audit.cases import Sampled
from faceproof.audit.checks import CHECKS, SECTIONS
from faceproof.audit.checks.check import count_needed, find_worst
from faceproof.metrics import Measured

UPPER, LOWER = CHECKS["calibration"], CHECKS["low_pass"]  # above 0.10 is bad; below 0.60


@pytest.mark.parametrize(
    ("low", "value", "high", "outcome"),
    [
        (0.11, 0.2, 0.3, "fail"),
        (0.05, 0.2, 0.3, "underpowered"),
        (0.0, 0.05, 0.09, "pass"),
        (0.0, 0.05, 0.11, "underpowered"),  # the value alone would pass
    ],
)
def test_above_a_limit(low: float, value: float, high: float, outcome: str) -> None:
    found = UPPER.judge(Measured(value, 10, low, high))
    assert found.outcome == outcome
    assert (found.value, found.n, found.limit) == (value, 10, 0.10)


@pytest.mark.parametrize(
    ("low", "value", "high", "outcome"),
    [
        (0.4, 0.5, 0.59, "fail"),
        (0.4, 0.5, 0.61, "underpowered"),
        (0.61, 0.65, 0.7, "pass"),
        (0.59, 0.65, 0.7, "underpowered"),
    ],
)
def test_below_a_limit(low: float, value: float, high: float, outcome: str) -> None:
    assert LOWER.judge(Measured(value, 10, low, high)).outcome == outcome


def test_what_could_not_be_measured_is_open_and_what_is_missing_not_applicable() -> None:
    nothing = LOWER.open("Too few", 7)
    assert (nothing.outcome, nothing.value, nothing.n) == ("underpowered", None, 7)
    assert nothing.meaning.endswith("Too few.")
    told = CHECKS["shortcut_file"].skip("Told.", Measured(0.9, 10, 0.8, 1.0))
    assert (told.outcome, told.value) == ("not_applicable", 0.9)
    alike = CHECKS["shortcut_codec"].agree(0.5, 40, "All agree.")
    assert (alike.outcome, alike.value, alike.low, alike.n) == ("pass", 0.5, None, 40)


def test_what_was_counted_fails_by_one_and_names_five() -> None:
    leak = CHECKS["leak_identity"]
    assert leak.count([], 40).outcome == "pass"
    found = leak.count([f"p{number}" for number in range(8)], 40)
    assert (found.outcome, found.value, found.n) == ("fail", 8, 40)
    assert found.counts == "people or components"
    assert "p4; and 3 more" in found.meaning
    assert "p5" not in found.meaning


def test_no_alarm_among_few_says_how_many_would_do() -> None:
    """None of 40 people: to stay below one in a thousand, log(0.025) / log(0.999) = 3,688."""
    bound = 1 - 0.025 ** (1 / 40)
    seen = Sampled(0.0, 160, 0.0, bound, groups=40)
    assert count_needed(seen, 0.001, is_upper=True) == pytest.approx(3688, abs=1)
    mirrored = Sampled(1.0, 160, 1 - bound, 1.0, groups=40)
    assert count_needed(mirrored, 0.999, is_upper=False) == pytest.approx(3688, abs=1)
    # twice a share of which nothing was seen: half the bound, log(0.025) / log(0.975) = 146
    doubled = Sampled(0.0, 160, 0.0, 2 * bound, groups=40)
    assert count_needed(doubled, 0.05, is_upper=True) == pytest.approx(146, abs=1)


def test_a_wide_interval_shrinks_with_the_square_root_of_people() -> None:
    wide = Sampled(0.05, 160, 0.0, 0.15, groups=20)  # twice as far as the limit: four times as many
    assert count_needed(wide, 0.10, is_upper=True) == 80
    assert "With about 80 people in place of 20" in UPPER.judge(wide).power
    beyond = Sampled(0.2, 160, 0.05, 0.4, groups=20)
    assert count_needed(beyond, 0.10, is_upper=True) is None
    assert "may well fail" in UPPER.judge(beyond).power
    alone = CHECKS["seed_spread"].judge(Measured(0.05, 3, 0.03, 0.3))
    assert "training runs in place of 3" in alone.power
    assert "0.30" in UPPER.judge(Measured(0.4, 9, 0.3, 0.5)).power


def test_the_worst_of_several_is_judged_with_the_bounds_of_all() -> None:
    """Three looks: the normal's quantile at 0.05 / 3 is 2.394, by 1.96 1.221 times as far."""
    found = {
        "a": Sampled(0.2, 100, 0.1, 0.3, 20),
        "b": Sampled(0.1, 90, 0.05, 0.5, 10),
        "c": Sampled(0.0, 80, 0.0, 0.1, 5),
    }
    name, worst = find_worst(found, is_upper=True)
    assert (name, worst.value, worst.n) == ("a", 0.2, 100)
    assert worst.low == pytest.approx(0.2 - 0.1 * 1.2214, abs=1e-3)
    assert worst.high == pytest.approx(0.1 + 0.4 * 1.2214, abs=1e-3)  # b may be worse still
    name, worst = find_worst(found, is_upper=False)
    assert (name, worst.low) == ("c", 0.0)
    alone = find_worst({"a": found["a"]}, is_upper=True)[1]
    assert (alone.low, alone.high) == pytest.approx((0.1, 0.3))


def test_every_check_stands_in_one_section_and_says_what_it_is() -> None:
    listed = [check for checks in SECTIONS.values() for check in checks]
    assert len(CHECKS) == len(listed) == 38
    for check in listed:
        assert all((check.title, check.measure, check.passed, check.failed, check.advice))
    assert len({check.title for check in listed}) == 38
