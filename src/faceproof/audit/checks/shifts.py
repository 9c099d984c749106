"""Under other conditions: by kind of forgery and source, on worse images, on odd real photos."""

import numpy as np

from faceproof.audit.cases import Case, Sampled, count_classes
from faceproof.audit.checks.check import Check, find_worst
from faceproof.audit.checks.reliance import ALIGNED, rank_changed
from faceproof.console import progress
from faceproof.data.checks.findings import Finding
from faceproof.data.images import Pixels
from faceproof.detector.calibration import Margins
from faceproof.errors import ImageError, MetricError
from faceproof.intervals import Share
from faceproof.metrics import Rows
from faceproof.records import FAKE, NONE, SHAM
from faceproof.training.augmentation import Augment
from faceproof.training.corruptions import HARD_REALS, TIERS

_FEWEST = 20  # images that a kind must have to be named


class Worst(Check):
    """The AUROC of each kind against all reals, or within each source; the worst is judged."""

    limit = 0.60
    is_upper = False

    def __init__(self, name: str) -> None:
        """Name the column that tells the kinds apart."""
        self._name, self.code, self.title = name, f"worst_{name}", f"The {name} that is found worst"
        self.measure = f"AUROC on the {name} that is found worst"
        self.passed = f"Every {name} is found."
        self.failed = f"The number is an average: one {name} is hardly found at all."
        self.advice = f"State the worst {name} beside the mean; train with more kinds of forgery."

    def find(self, case: Case) -> Finding:
        column = case.column(self._name)
        if column is None:
            return self.skip(f"The data do not state the {self._name}.")
        is_fake = case.labels == FAKE
        found: dict[str, Sampled] = {}
        for kind in sorted({*column[is_fake]} - {NONE, SHAM}):
            own = column == kind
            places = np.flatnonzero(own if self._name == "source" else (own & is_fake) | ~is_fake)
            if min(count_classes(case.labels[places])) < _FEWEST:
                continue
            try:
                found[kind] = case.measure(case.ranking, places)
            except MetricError:
                continue
        if len(found) < 2:  # one kind alone is the whole
            return self.skip(f"Fewer than two kinds of {self._name} have {_FEWEST} of each label.")
        worst, measured = find_worst(found, is_upper=False)
        said = ", ".join(f"{kind} {one.value:.2f}" for kind, one in found.items())
        return self.judge(measured, f"The worst is {worst}. By {self._name}: {said}.")


class Tier(Check):
    """AUROC after what happens to images on their way."""

    limit = 0.60
    is_upper = False
    needs = "model"
    passed = "It stands what happens to an image on its way."
    failed = "It does not survive what happens to an image on its way."
    advice = ALIGNED

    def __init__(self, name: str, change: str) -> None:
        """Name the change."""
        self._name, self.code, self.title = name, f"tier_{name}", f"After {change}"
        self.measure = f"AUROC after {change}"

    def find(self, case: Case) -> Finding:
        margins = _score(case, case.drawn, TIERS[self._name])
        return self.judge(*rank_changed(case, case.drawn, margins))


class HardReals(Check):
    """False alarms on real photos made to look odd, by kind; the worst is judged."""

    code, title = "hard_reals", "Odd but real photos"
    measure = "false alarms on the kind of odd real photo that is worst"
    limit = 0.30
    counts = "real images"
    needs = "model"
    passed = "Retouched, sharpened, upscaled and dark photos stay real."
    failed = (
        "Real photos that were only retouched, sharpened, upscaled or taken in the dark are called "
        "fake."
    )
    advice = ALIGNED

    def find(self, case: Case) -> Finding:
        reals = case.drawn[case.labels[case.drawn] != FAKE]
        if len(reals) < _FEWEST:
            return self.open(f"There are not {_FEWEST} real images.", len(reals))
        found: dict[str, Sampled] = {}
        for name, change in progress(HARD_REALS.items(), "odd reals", "kinds", len(HARD_REALS)):
            alarms = np.zeros(len(case.scored.rows), bool)
            alarms[reals] = case.decision.force(
                case.decision.to_scores(_score(case, reals, change))
            )
            found[name] = case.measure(Share(alarms, np.ones(len(alarms), bool)), reals)
        _, measured = find_worst(found, is_upper=True)
        said = ", ".join(f"{name} {one.value:.2f}" for name, one in found.items())
        plain = float(case.calls_fake[reals].mean())
        return self.judge(measured, f"As they are {plain:.2f}, {said}.")


def _score(case: Case, places: Rows, change: Augment) -> Margins:
    assert case.classifier is not None
    pictures = zip(places.tolist(), case.pictures(places), strict=True)
    return case.classifier.score(
        _change(one, change, np.random.default_rng((case.seed, place))) for place, one in pictures
    )


def _change(picture: Pixels, change: Augment, rng: np.random.Generator) -> Pixels:
    """The picture changed; as it is where it is too small for that."""
    try:
        return change(picture, rng)
    except ImageError:
        return picture


CHECKS: tuple[Check, ...] = (
    Worst("method"), Worst("family"), Worst("source"),
    Tier("web", "shrinking to three quarters and JPEG 60"),
    Tier("hard", "shrinking to half size and JPEG 40"),
    HardReals(),
)  # fmt: skip
