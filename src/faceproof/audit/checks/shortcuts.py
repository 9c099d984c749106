"""Can the label be told from what says nothing of a forgery?"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from faceproof.audit.cases import Case, draw_groups, sample
from faceproof.audit.checks.check import Check
from faceproof.audit.observations import HIDDEN_VIEWS
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.gates import agree_within, name_pairs, probe_view
from faceproof.metrics import Rows

_FACTS: Mapping[str, tuple[str, ...]] = {
    "file": ("size_bytes", "bytes_per_pixel"),
    "size": ("width", "height"),
    "quality": ("quantisation",),
    "codec": ("format", "mode", "subsampling", "has_exif"),
}
_UNSEEN = "file"  # a classifier of pixels does not see it, and a forgery's texture changes it
_JUDGED_UNHIDDEN = ("border",)  # forgeries of faces do not reach it
_FEWEST, _MOST = 20, 20_000  # images of each label; images in all, drawn where there are more


def _encode(facts: list[dict[str, float | str]], columns: tuple[str, ...]) -> NDArray[np.float64]:
    """Facts as numbers: squares too, so that a middle value can stand for a label."""
    table = pd.DataFrame(facts).reindex(columns=list(columns))
    numbers = table.select_dtypes("number").fillna(-1)
    words = table.select_dtypes(exclude="number").astype(str)
    kinds = [words[name] == value for name in words for value in sorted(set(words[name]))]
    scaled = (numbers - numbers.mean()) / (numbers.std(ddof=0) + 1e-9)
    return np.column_stack([scaled, scaled**2, *kinds]).astype(np.float64)


def _pair(case: Case, rows: Rows) -> NDArray[np.str_]:
    """Within what labels are shuffled: the photo where every photo has as many fakes."""
    table = case.evidence.table
    if "pair_id" not in table:
        return np.full(len(rows), "all")
    return name_pairs(np.asarray(table["pair_id"].astype(str))[rows], case.evidence.labels[rows])


class Shortcut(Check):
    """A linear probe on one aspect of the audited images, folds by group."""

    limit = 0.60
    passed = "What this probe sees does not tell real from fake."
    failed = (
        "Real and fake can be told apart without a look at the forgery; a high accuracy may be "
        "nothing else."
    )
    advice = "Write both labels by one path (size, encoder, crop), train again, measure again."
    needs = "data"

    def __init__(self, name: str, title: str, seen: str) -> None:
        """Name what the probe sees."""
        self._name, self.code = name, f"shortcut_{name}"
        self.title = f"Label guessed from {title}"
        self.measure = f"AUROC of a probe that sees {seen}"

    def find(self, case: Case) -> Finding:
        name = self._name
        is_fact = name in _FACTS
        view = _encode(case.seen.facts, _FACTS[name]) if is_fact else case.seen.views[name]
        places = np.flatnonzero(np.isfinite(view).all(axis=1))
        if len(places) > _MOST:
            ties = case.evidence.groups[case.seen.rows[places]]
            places = places[draw_groups(ties, _MOST, case.seed)]
        rows: Rows = case.seen.rows[places]
        labels, groups = case.evidence.labels[rows], case.evidence.groups[rows]
        if min(np.bincount(labels, minlength=2)) < _FEWEST:
            return self.skip(f"There are not {_FEWEST} images of each label to be probed.")
        pairs = _pair(case, rows)
        if agree_within(pairs, view[places]):
            return self.agree(0.5, len(places), "Real and fake of a photo agree in it.")
        probed = probe_view(view[places], labels, pairs, groups, case.seed)
        measured = sample(probed, groups)
        if name == _UNSEEN:
            return self.skip(
                f"AUROC {measured.value:.2f} is reported, not scored: no classifier of pixels sees "
                "the file, and a forgery's texture alone changes how well it compresses.",
                measured,
            )
        if name in HIDDEN_VIEWS and not case.seen.is_hidden and name not in _JUDGED_UNHIDDEN:
            return self.skip(
                "No masks say where images were forged, so the probe may have seen the forgery "
                f"itself: AUROC {measured.value:.2f} is reported, not scored.",
                measured,
            )
        return self.judge(measured)


CHECKS: tuple[Check, ...] = (
    Shortcut("file", "the length of the file", "the number of bytes"),
    Shortcut("size", "width and height", "width and height"),
    Shortcut("quality", "the JPEG quality", "the file's quantisation table"),
    Shortcut("codec", "the file format", "format, colour mode, chroma subsampling and metadata"),
    Shortcut("thumbnail", "a thumbnail", "8 by 8 grey pixels, the forged region hidden"),
    Shortcut("border", "the border", "the outermost pixels, the forged region hidden"),
    Shortcut("colour", "the colours", "mean and spread of the colours, the forged region hidden"),
    Shortcut("spectrum", "the spectrum", "the radial power spectrum, the forged region hidden"),
)
