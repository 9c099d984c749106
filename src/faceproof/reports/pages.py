"""HTML pages: one file each, no network, readable without scripts."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from faceproof.data.exports import FILTERS, ShownImage
from faceproof.reports.figures import CREDITS, draw_detection, draw_findings
from faceproof.reports.templates import render_template
from faceproof.storage import replacing


def write_audit_page(report: Path, page: Path) -> None:
    """Show an audit's report: the classifier's number, every finding, figures, what to look at.

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
    text = render_template("question_02/report.html.j2", **said, figures=shown)
    with replacing(page) as partial:
        partial.write_text(text)


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
