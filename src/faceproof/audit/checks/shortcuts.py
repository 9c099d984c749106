"""Can the label be told from what says nothing of a forgery?"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from faceproof.audit import rules
from faceproof.audit.cases import Case, draw_groups
from faceproof.audit.checks.finders import Finder
from faceproof.audit.observations import HIDDEN_VIEWS
from faceproof.data.checks.findings import Finding
from faceproof.data.checks.gates import name_pairs, probe_view
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


def _probe(name: str, case: Case) -> Finding:
    """A linear probe on one aspect of the audited images, folds by group."""
    code = f"shortcut_{name}"
    is_fact = name in _FACTS
    view = _encode(case.seen.facts, _FACTS[name]) if is_fact else case.seen.views[name]
    places = np.flatnonzero(np.isfinite(view).all(axis=1))
    if len(places) > _MOST:
        ties = case.evidence.groups[case.seen.rows[places]]
        places = places[draw_groups(ties, _MOST, case.seed)]
    rows: Rows = case.seen.rows[places]
    labels, groups = case.evidence.labels[rows], case.evidence.groups[rows]
    if len(places) and min(np.bincount(labels, minlength=2)) < _FEWEST:
        places = places[:0]
    if not len(places):
        return rules.skip(code, f"There are not {_FEWEST} images of each label to be probed.")
    measured = probe_view(view[places], labels, _pair(case, rows), groups, case.seed)
    if name == _UNSEEN:
        reason = (
            f"AUROC {measured.value:.2f} is told and not judged: no classifier of pixels sees the "
            "file, and a forgery's texture alone changes how well it compresses."
        )
        return rules.skip(code, reason, measured)
    if name in HIDDEN_VIEWS and not case.seen.is_hidden and name not in _JUDGED_UNHIDDEN:
        reason = (
            f"No masks say where images were forged, so the probe may have seen the forgery "
            f"itself: AUROC {measured.value:.2f} is told and not judged."
        )
        return rules.skip(code, reason, measured)
    return rules.judge(code, measured)


def _pair(case: Case, rows: Rows) -> NDArray[np.str_]:
    """Within what labels are shuffled: the photo where every photo has as many fakes."""
    table = case.evidence.table
    if "pair_id" not in table:
        return np.full(len(rows), "all")
    return name_pairs(np.asarray(table["pair_id"].astype(str))[rows], case.evidence.labels[rows])


FINDERS: Mapping[str, Finder] = {
    f"shortcut_{name}": Finder("data", partial(_probe, name)) for name in (*_FACTS, *HIDDEN_VIEWS)
}
