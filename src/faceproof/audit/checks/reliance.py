"""What does the score follow, and what is left when something is taken away?"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from faceproof.audit import rules
from faceproof.audit.cases import Case, count_classes
from faceproof.audit.checks.finders import Finder
from faceproof.audit.interventions import (
    EXCHANGES,
    Exchange,
    Mask,
    encode_alike,
    fit_mask,
    hide,
    keep_middle,
    take_detail,
    take_tones,
)
from faceproof.data.checks.findings import Finding
from faceproof.data.images import Pixels
from faceproof.detector.calibration import Margins
from faceproof.errors import ImageError, MetricError
from faceproof.metrics import Measured, Rows, auroc
from faceproof.records import FAKE

_ABLATIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "without_background": keep_middle,
    "low_pass": take_detail,
    "high_pass": take_tones,
}
_SAY_NOTHING = ("size", "codec")  # of any forgery, local or not
_FEWEST = 10  # images of each label


def _draw(case: Case) -> Rows:
    """Places whose images are changed.

    Raises:
        MetricError: too few.
    """
    if min(count_classes(case.labels[case.drawn])) < _FEWEST:
        raise MetricError(f"not {_FEWEST} images of each label were drawn")
    return case.drawn


def _score(case: Case, pictures: Iterator[Pixels]) -> Margins:
    assert case.classifier is not None
    return case.classifier.score(pictures)


def _exchange(name: str, case: Case) -> Finding:
    """The own label's donors against the other's: what both exchanges cost is taken out.

    Frame, background and colours say nothing of a forgery only where it is local: of fakes with a
    mask, and their photos.
    """
    code = f"follows_{name}"
    places = _draw(case)
    chosen = places
    if name not in _SAY_NOTHING and case.seen.is_hidden:
        chosen = np.array([place for place, _ in _find_regions(case, places)], np.int64)
    if min(count_classes(case.labels[chosen])) < _FEWEST:
        return rules.skip(code, f"Fewer than {_FEWEST} fakes are local forgeries.")
    both = [_score(case, _give(case, chosen, EXCHANGES[name], is_own)) for is_own in (True, False)]
    measured, note = _measure_drop(case, chosen, (both[0], both[1]))
    if name in _SAY_NOTHING or case.seen.is_hidden:
        return rules.judge(code, measured, note)
    reason = (
        f"AUROC moves by {measured.value:.2f}: told and not judged, for no masks say that the "
        "forgeries are local."
    )
    return rules.skip(code, reason, measured)


def _ablate(code: str, case: Case) -> Finding:
    change, places = _ABLATIONS[code], _draw(case)
    margins = _score(case, (change(one) for one in case.pictures(places)))
    return _judge_rank(case, code, places, margins)


def _encode(case: Case) -> Finding:
    places = _draw(case)
    alike = _score(case, (encode_alike(one) for one in case.pictures(places)))
    measured, note = _measure_drop(case, places, (case.scored.margins[places], alike))
    return rules.judge("reencoded", measured, note)


def _give(case: Case, places: Rows, exchange: Exchange, is_own: bool) -> Iterator[Pixels]:
    rows = case.scored.rows[places]
    for place, donor in zip(places.tolist(), _draw_donors(case, places, is_own), strict=True):
        picture = case.evidence.picture(int(case.scored.rows[place]))
        try:
            data = case.evidence.read(int(rows[donor]))
            yield exchange(picture, case.evidence.picture(int(rows[donor])), data)
        except ImageError:
            yield picture


def _draw_donors(case: Case, places: Rows, is_own: bool) -> NDArray[np.int64]:
    """For each place another of the own or of the other label, of another group where there is."""
    rng = np.random.default_rng(case.seed)
    labels, groups = case.labels[places], case.groups[places]
    donors = []
    for number, (label, group) in enumerate(zip(labels, groups, strict=True)):
        fits = (labels == label) == is_own
        strangers = np.flatnonzero(fits & (groups != group))
        among = strangers if len(strangers) else np.flatnonzero(fits)
        donors.append(int(rng.choice(among)) if len(among) else number)
    return np.array(donors, np.int64)


def _hide_forgery(case: Case) -> Finding:
    """Both labels of a photo with the same region hidden, whether it was forged there or not."""
    known = _find_regions(case, _draw(case))
    chosen = np.array([place for place, _ in known], np.int64)
    if not len(chosen) or min(count_classes(case.labels[chosen])) < _FEWEST:
        return rules.skip("without_forgery", "No masks say where enough images were forged.")
    hidden = (
        hide(picture, fit_mask(region, picture))
        for picture, (_, region) in zip(case.pictures(chosen), known, strict=True)
    )
    return _judge_rank(case, "without_forgery", chosen, _score(case, hidden))


def _find_regions(case: Case, places: Rows) -> list[tuple[int, Mask]]:
    """Places of local fakes and of their photos, with the region that was forged."""
    regions = case.regions
    return [
        (place, region)
        for place in places.tolist()
        if (region := regions.around(int(case.scored.rows[place]))) is not None
    ]


def _judge_rank(case: Case, code: str, places: Rows, margins: Margins) -> Finding:
    whole = _spread(case, places, margins)
    measured = case.measure(lambda one: auroc(case.labels[one], whole[one]), places)
    return rules.judge(code, measured, f"As they are: {case.rank(places):.2f}.")


def _measure_drop(
    case: Case, places: Rows, margins: tuple[Margins, Margins]
) -> tuple[Measured, str]:
    """AUROC lost from the first margins to the second, and how the labels moved apart."""
    before, after = (_spread(case, places, one) for one in margins)

    def drop(one: Rows) -> float:
        labels = case.labels[one]
        return auroc(labels, before[one]) - auroc(labels, after[one])

    measured = case.measure(drop, places)
    fakes = case.labels[places] == FAKE
    moved = (margins[1] - margins[0])[fakes].mean() - (margins[1] - margins[0])[~fakes].mean()
    return measured, f"Fakes moved by {moved:+.2f} logits against reals."


def _spread(case: Case, places: Rows, margins: Margins) -> Margins:
    """Margins of some places as an array over all scored rows."""
    whole = np.full(len(case.scored.rows), np.nan)
    whole[places] = margins
    return whole


FINDERS: Mapping[str, Finder] = {
    **{f"follows_{name}": Finder("model", partial(_exchange, name)) for name in EXCHANGES},
    "without_forgery": Finder("model", _hide_forgery),
    **{code: Finder("model", partial(_ablate, code)) for code in _ABLATIONS},
    "reencoded": Finder("model", _encode),
}
