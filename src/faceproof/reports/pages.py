"""HTML pages: one file each, no network, readable without scripts."""

import base64
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faceproof.data.exports import FILTERS, ShownImage
from faceproof.reports.figures import CREDITS, draw_detection, draw_findings
from faceproof.reports.templates import render_template
from faceproof.storage import replacing

Finding = Mapping[str, Any]  # as an audit's report holds them

_ORDER = ("fail", "underpowered", "pass", "not_applicable")
_WORST = 3
_BAR = (10.0, 290.0)  # left and right end of a finding's bar, in its own units


def write_audit_page(report: Path, page: Path) -> None:
    """Show an audit's report: the verdict, the worst findings, open questions, then all the rest.

    Args:
        report: JSON written by the audit.
        page: HTML file to write; the figures lie beside it too.
    """
    said = json.loads(report.read_text())
    figures = {"findings": page.with_name("findings.png")}
    draw_findings(said["findings"], figures["findings"])
    if said["curves"] is not None:
        figures["curves"] = page.with_name("curves.png")
        draw_detection(said["curves"], figures["curves"])
    shown = {name: _encode(path.read_bytes()) for name, path in figures.items()}
    slots = said | rank_findings(said["findings"]) | _show_once(said["errors"], said["suspects"])
    slots["verdict"] = say_verdict(said["findings"], has_scores=bool(said["scored"]))
    text = render_template("question_02/report.html.j2", **slots, figures=shown)
    with replacing(page) as partial:
        partial.write_text(text)


def say_verdict(findings: Sequence[Finding], *, has_scores: bool) -> str:
    """The sentence that an audit comes to."""
    counts = Counter(one["outcome"] for one in findings)
    subject = "this accuracy" if has_scores else "these data"
    problems = _count(counts["fail"], "problem")
    questions = _count(counts["underpowered"], "open question")
    if counts["fail"]:
        rest = f" and {questions}" if counts["underpowered"] else ""
        return f"Do not trust {subject} yet: {problems}{rest}."
    if counts["underpowered"]:
        return f"No problem was found, but {questions} must be answered to trust {subject}."
    return f"No problem was found in {subject}; nothing that was checked is open."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def rank_findings(findings: Sequence[Finding]) -> dict[str, Any]:
    """Findings by what a reader needs first.

    `worst`: of each section the failure farthest beyond its limit, three sections at most, for what
    fails in an early section voids the later ones; `also`: the other failures; `open` questions;
    `passed` by section; all `findings`, failures first, each with where its bar is drawn.
    """
    drawn = [{**one, "reach": _place_bar(one)} for one in findings]
    by_outcome = {name: [one for one in drawn if one["outcome"] == name] for name in _ORDER}
    farthest: dict[str, Finding] = {}
    for one in by_outcome["fail"]:
        known = farthest.get(one["section"])
        if known is None or _measure_excess(one) > _measure_excess(known):
            farthest[one["section"]] = one
    worst = list(farthest.values())[:_WORST]
    passed: dict[str, list[Finding]] = {}
    for one in by_outcome["pass"]:
        passed.setdefault(one["section"], []).append(one)
    return {
        "worst": worst, "also": [one for one in by_outcome["fail"] if one not in worst],
        "open": by_outcome["underpowered"], "passed": passed,
        "findings": [one for name in _ORDER for one in by_outcome[name]],
    }  # fmt: skip


def _measure_excess(finding: Finding) -> float:
    return abs(float(finding["value"]) - float(finding["limit"]))


def _place_bar(finding: Finding) -> dict[str, float] | None:
    """Where value, interval, limit and the bad side lie on a bar; None without an interval."""
    if finding["low"] is None:
        return None
    known = [float(finding[name]) for name in ("low", "high", "limit")]
    left, right = min(0.0, *known), max(1.0, *known)

    def place(value: float) -> float:
        return round(_BAR[0] + (value - left) / (right - left) * (_BAR[1] - _BAR[0]), 1)

    limit = place(known[2])
    bad = (limit, _BAR[1]) if finding["is_upper"] else (_BAR[0], limit)
    return {
        "low": place(known[0]), "high": place(known[1]), "value": place(float(finding["value"])),
        "limit": limit, "bad": bad[0], "bad_width": round(bad[1] - bad[0], 1),
    }  # fmt: skip


def _show_once(
    errors: Sequence[dict[str, Any]], suspects: Sequence[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Errors and suspects without a picture that was shown before."""
    known = {one["image"] for one in errors}
    fresh = [one for one in suspects if one["image"] not in known]
    seen: set[str] = set()
    return {
        "errors": [_hide_seen(one, seen) for one in errors],
        "suspects": [_hide_seen(one, seen) for one in fresh],
    }


def _hide_seen(shown: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    """The same without pictures among the seen, which are added to."""
    kept = dict(shown)
    for name in ("thumbnail", "neighbour"):
        if kept.get(name, "") in seen:
            kept[name] = ""
        seen.add(kept.get(name, ""))
    return kept


def write_prediction_page(review: Path, page: Path) -> None:
    """Show how predictions compare with the truth: numbers, curves, the worst errors.

    Args:
        review: JSON written by `detector.report`.
        page: HTML file to write; `curves.png` lies beside it where there are curves.
    """
    said, picture = json.loads(review.read_text()), None
    if said["curves"] is not None:
        figure = page.with_name("curves.png")
        draw_detection(said["curves"], figure)
        picture = _encode(figure.read_bytes())
    text = render_template("training/report.html.j2", **said, figure=picture)
    with replacing(page) as partial:
        partial.write_text(text)


def write_gallery(photos: Sequence[Sequence[ShownImage]], source: str, page: Path) -> None:
    """Images by photo, real first, with filters by label; without scripts all are shown.

    `source` is that of the photos, for the credit. The page holds the images.
    """
    shown = [[_inline(one) for one in images] for images in photos]
    every = [one.labels for images in photos for one in images]
    values = {name: sorted({labels[name] for labels in every}) for name in FILTERS}
    text = render_template(
        "dataset_builder/gallery.html.j2", photos=shown, filters=values,
        credit=CREDITS.get(source, ""),
    )  # fmt: skip
    with replacing(page) as partial:
        partial.write_text(text)


def _inline(one: ShownImage) -> dict[str, object]:
    said = one.labels
    caption = "real photo" if said["role"] == "real" else f"{said['family']}: {said['method']}"
    mask = None if one.mask is None else _encode(one.mask)
    inlined = {"image": _encode(one.image), "mask": mask, "label": one.label}
    return {**inlined, "labels": said, "caption": caption}


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
