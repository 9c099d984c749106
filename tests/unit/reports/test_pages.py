from typing import Any

import pytest

from faceproof.reports.pages import _show_once, rank_findings, say_verdict


def find(code: str, outcome: str, value: float = 0.5, section: str = "Leaks") -> dict[str, Any]:
    return {
        "code": code, "outcome": outcome, "value": value, "low": value - 0.1, "high": value + 0.1,
        "limit": 0.2, "section": section, "is_upper": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "has_scores", "said"),
    [
        (["fail", "fail", "underpowered"], True,
         "Do not trust this accuracy yet: 2 problems and 1 open question."),
        (["fail", "pass"], False, "Do not trust these data yet: 1 problem."),
        (["underpowered"] * 4 + ["pass"], True,
         "No problem was found, but 4 open questions must be answered to trust this accuracy."),
        (["pass", "not_applicable"], True,
         "No problem was found in this accuracy; nothing that was checked is open."),
    ],
    ids=["both", "data alone", "open", "clean"],
)  # fmt: skip
def test_the_verdict_is_one_sentence(outcomes: list[str], has_scores: bool, said: str) -> None:
    findings = [find(str(number), outcome) for number, outcome in enumerate(outcomes)]
    assert say_verdict(findings, has_scores=has_scores) == said


def test_the_worst_of_each_section_comes_first() -> None:
    findings = [
        find("a", "pass"),
        find("b", "fail", 0.4), find("c", "fail", 0.9), find("d", "fail", 0.5, "Decisions"),
        find("e", "underpowered"), find("f", "fail", 0.5, "X"), find("g", "fail", 0.5, "Y"),
    ]  # fmt: skip
    ranked = rank_findings(findings)
    assert [one["code"] for one in ranked["worst"]] == ["c", "d", "f"]
    assert [one["code"] for one in ranked["also"]] == ["b", "g"]
    assert [one["code"] for one in ranked["open"]] == ["e"]
    assert [one["code"] for one in ranked["passed"]["Leaks"]] == ["a"]
    assert [one["code"] for one in ranked["findings"]] == list("bcdfgea")
    reach = ranked["worst"][0]["reach"]
    # from 10 to 290 for 0 to 1: the limit 0.2 lies at 66, all above it is bad
    assert (reach["limit"], reach["bad"], reach["bad_width"]) == (66.0, 66.0, 224.0)
    assert reach["low"] < reach["value"] < reach["high"]


def test_what_was_counted_has_no_bar() -> None:
    counted = {**find("a", "fail", 3), "low": None, "high": None}
    assert rank_findings([counted])["worst"][0]["reach"] is None


def test_a_picture_is_shown_once() -> None:
    errors = [
        {"image": "a", "thumbnail": "A", "neighbour": "N"},
        {"image": "b", "thumbnail": "B", "neighbour": "N"},
    ]
    shown = _show_once(errors, [{"image": "a", "thumbnail": "A"}, {"image": "c", "thumbnail": "B"}])
    assert [one["neighbour"] for one in shown["errors"]] == ["N", ""]
    assert [(one["image"], one["thumbnail"]) for one in shown["suspects"]] == [("c", "")]
