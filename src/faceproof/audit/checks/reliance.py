"""What does the score follow, and what is left when something is taken away?"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from faceproof.audit.cases import Case, Sampled, count_classes
from faceproof.audit.checks.check import Check
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
from faceproof.intervals import Combination, Ranking
from faceproof.metrics import Rows
from faceproof.records import FAKE

_SAY_NOTHING = ("size", "codec")  # of any forgery, local or not
_FEWEST = 10  # images of each label
_RECODE = "Write both labels by one path (size, encoder, crop), train again, measure again."
ALIGNED = "Train with both labels passed through the same random change of this kind."
_DROP = "AUROC with this taken from an image of the own label, minus from one of the other"


class Follows(Check):
    """The own label's donors against the other's: what both exchanges cost is taken out.

    Frame, background and colours say nothing of a forgery only where it is local: of fakes with a
    mask, and their photos.
    """

    limit = 0.15
    passed = "Exchanging it between the labels does not move the scores."
    failed = "The score moves with it, though it says nothing of a forgery."
    advice = _RECODE
    needs = "model"

    def __init__(self, name: str, title: str, seen: str) -> None:
        """Name what is exchanged."""
        self._name, self.code = name, f"follows_{name}"
        self.title = f"Score that follows {title}"
        self.measure = f"{_DROP}: {seen}"

    def find(self, case: Case) -> Finding:
        places = draw_places(case)
        chosen = places
        if self._name not in _SAY_NOTHING and case.seen.is_hidden:
            chosen = np.array([place for place, _ in _find_regions(case, places)], np.int64)
        if min(count_classes(case.labels[chosen])) < _FEWEST:
            return self.skip(f"Fewer than {_FEWEST} fakes are local forgeries.")
        exchange = EXCHANGES[self._name]
        own, other = (_score(case, _give(case, chosen, exchange, one)) for one in (True, False))
        if np.array_equal(own, other):
            return self.skip("The images agree in it, so that nothing could be exchanged.")
        measured, note = _measure_drop(case, chosen, (own, other))
        if self._name in _SAY_NOTHING or case.seen.is_hidden:
            return self.judge(measured, note)
        return self.skip(
            f"AUROC moves by {measured.value:.2f}: reported, not scored, for no masks say that the "
            "forgeries are local.",
            measured,
        )


class Ablation(Check):
    """AUROC on images from which something was taken."""

    limit = 0.60
    is_upper = False
    needs = "model"

    def __init__(self, change: Callable[[Pixels], Pixels], advice: str, **said: str) -> None:
        """Name the change: `code`, `title`, `measure`, `passed` and `failed` are said."""
        self._change, self.advice = change, advice
        vars(self).update(said)

    def find(self, case: Case) -> Finding:
        places = draw_places(case)
        pictures = (self._change(one) for one in case.pictures(places))
        return self.judge(*rank_changed(case, places, _score(case, pictures)))


class WithoutForgery(Check):
    """Both labels of a photo with the same region hidden, whether it was forged there or not."""

    code, title = "without_forgery", "With the forged region hidden"
    measure = "AUROC with the forged region hidden in both labels"
    limit = 0.70
    passed = "Without the forged region little is left to tell by."
    failed = "Real and fake are told apart although the forgery cannot be seen."
    advice = _RECODE
    needs = "model"

    def find(self, case: Case) -> Finding:
        known = _find_regions(case, draw_places(case))
        chosen = np.array([place for place, _ in known], np.int64)
        if not len(chosen) or min(count_classes(case.labels[chosen])) < _FEWEST:
            return self.skip("No masks say where enough images were forged.")
        hidden = (
            hide(picture, fit_mask(region, picture))
            for picture, (_, region) in zip(case.pictures(chosen), known, strict=True)
        )
        return self.judge(*rank_changed(case, chosen, _score(case, hidden)))


class Reencoded(Check):
    """All images encoded again, alike."""

    code, title = "reencoded", "After one more JPEG for all images"
    measure = "AUROC lost when all images are encoded again alike"
    limit = 0.20
    passed = "One more JPEG for all changes little."
    failed = "One more JPEG for all takes away what it goes by."
    advice = ALIGNED
    needs = "model"

    def find(self, case: Case) -> Finding:
        places = draw_places(case)
        alike = _score(case, (encode_alike(one) for one in case.pictures(places)))
        return self.judge(*_measure_drop(case, places, (case.scored.margins[places], alike)))


def draw_places(case: Case) -> Rows:
    """Places whose images are changed.

    Raises:
        MetricError: too few.
    """
    if min(count_classes(case.labels[case.drawn])) < _FEWEST:
        raise MetricError(f"Not {_FEWEST} images of each label were drawn.")
    return case.drawn


def rank_changed(case: Case, places: Rows, margins: Margins) -> tuple[Sampled, str]:
    """AUROC of changed images, and of the same as they are."""
    measured = case.measure(Ranking(case.labels, _spread(case, places, margins)), places)
    return measured, f"As they are: {case.rank(places):.2f}."


def _score(case: Case, pictures: Iterator[Pixels]) -> Margins:
    assert case.classifier is not None
    return case.classifier.score(pictures)


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


def _find_regions(case: Case, places: Rows) -> list[tuple[int, Mask]]:
    """Places of local fakes and of their photos, with the region that was forged."""
    regions = case.regions
    return [
        (place, region)
        for place in places.tolist()
        if (region := regions.around(int(case.scored.rows[place]))) is not None
    ]


def _measure_drop(
    case: Case, places: Rows, margins: tuple[Margins, Margins]
) -> tuple[Sampled, str]:
    """AUROC lost from the first margins to the second, and how the labels moved apart."""
    before, after = (Ranking(case.labels, _spread(case, places, one)) for one in margins)
    measured = case.measure(Combination(((1.0, before), (-1.0, after))), places)
    moved, fakes = margins[1] - margins[0], case.labels[places] == FAKE
    apart = moved[fakes].mean() - moved[~fakes].mean()
    return measured, f"Fakes moved by {apart:+.2f} logits against reals."


def _spread(case: Case, places: Rows, margins: Margins) -> Margins:
    """Margins of some places as an array over all scored rows."""
    whole = np.full(len(case.scored.rows), np.nan)
    whole[places] = margins
    return whole


FOLLOWS: tuple[Check, ...] = (
    Follows("size", "the size of the image", "size in pixels"),
    Follows("codec", "the encoder", "encoder and quality"),
    Follows("border", "the frame", "the frame"),
    Follows("background", "the background", "all around the face"),
    Follows("colour", "the colours", "mean and spread of the colours"),
)
ABLATIONS: tuple[Check, ...] = (
    WithoutForgery(),
    Ablation(
        keep_middle, _RECODE, code="without_background", title="With all but the face hidden",
        measure="AUROC with all but the middle of the face hidden",
        passed="The face alone is enough.",
        failed="Without the surroundings of the face the classifier knows little or nothing.",
    ),
    Ablation(
        take_detail, ALIGNED, code="low_pass", title="After a slight blur",
        measure="AUROC on slightly blurred images", passed="The finest detail is not needed.",
        failed="It lives on the finest detail, which every upload removes.",
    ),
    Ablation(
        take_tones, _RECODE, code="high_pass", title="Without coarse light and colour",
        measure="AUROC on images without their coarse tones",
        passed="Coarse light and colour are not needed.",
        failed="It lives on coarse light and colour, not on traces of a forgery.",
    ),
    Reencoded(),
)  # fmt: skip
