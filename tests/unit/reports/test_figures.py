import json
from pathlib import Path

import numpy as np
from PIL import Image

from faceproof.data.images import Pixels, encode_jpeg
from faceproof.reports import figures


def ink(path: Path) -> float:
    """Share of pixels that are not white."""
    return float((np.asarray(Image.open(path).convert("L")) < 250).mean())


def test_a_contact_sheet_shows_every_image(tmp_path: Path, face: Pixels) -> None:
    bright, dark = encode_jpeg(face, 90, 0), encode_jpeg(face // 4, 90, 0)
    figures.draw_triplets([{"real": bright, "fake": dark}] * 3, "orl", tmp_path / "sheet.png")
    assert ink(tmp_path / "sheet.png") > 0.5


def test_p_values_are_drawn_as_shares(tmp_path: Path) -> None:
    values = {"ours": np.linspace(0, 1, 50), "plain": np.zeros(50)}
    figures.draw_p_values(values, tmp_path / "p.png")
    assert 0.005 < ink(tmp_path / "p.png") < 0.3


def test_a_history_is_drawn_from_the_log_lines(tmp_path: Path) -> None:
    entries = [{"loss": 1 / n, "epoch": n} for n in (1, 2, 3)]
    entries += [{"eval_loss": 1 / n, "eval_auroc": n / 4, "epoch": n} for n in (1, 2, 3)]
    (tmp_path / "h.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    figures.draw_history(tmp_path / "h.jsonl", tmp_path / "h.png")
    assert 0.005 < ink(tmp_path / "h.png") < 0.3


def test_a_history_without_validation_is_drawn_too(tmp_path: Path) -> None:
    entries = [{"loss": 1 / n, "epoch": n} for n in (1, 2, 3)]
    (tmp_path / "h.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    figures.draw_history(tmp_path / "h.jsonl", tmp_path / "h.png")
    assert 0.005 < ink(tmp_path / "h.png") < 0.3


def test_curves_of_predictions_are_drawn_side_by_side(tmp_path: Path) -> None:
    line = [[0.0, 0.5, 1.0], [0.0, 0.8, 1.0]]
    names = ("roc", "precision_recall", "reliability")
    figures.draw_detection(dict.fromkeys(names, line), tmp_path / "c.png")
    assert 0.005 < ink(tmp_path / "c.png") < 0.3
