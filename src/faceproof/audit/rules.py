"""Every check by its stable code: what it measures, its limit, and what pass and fail mean.

The limits were fixed before the planted faults were run. A value beyond its limit with its whole
95 % interval fails; one within it, whose interval reaches at most `margin` beyond, passes; all else
is underpowered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from faceproof.data.checks.findings import Finding, Outcome
from faceproof.errors import MetricError
from faceproof.metrics import Measured

_NOTHING = "Nothing to do."


@dataclass(frozen=True)
class Rule:
    """One check. `is_upper`: above the limit is bad; else below it."""

    code: str
    section: str
    measure: str
    limit: float
    is_upper: bool
    margin: float
    passed: str
    failed: str
    advice: str


def _list_rules() -> list[Rule]:
    leaks, shortcuts, reliance = "Leaks", "Shortcuts in the data", "What the classifier follows"
    ablations, shifts = "What is left when something is taken away", "Away from home"
    decisions, people, sanity = "Decisions", "For whom", "Against what"
    resplit = "Split by group, train again, and forget the old number."
    recode = "Write both labels by one path (size, encoder, crop), train again, measure again."
    aligned = "Train with both labels passed through the same random change of this kind."
    look = "Look at these images first; collect more of them or say that they are not covered."
    drop = "AUROC with this taken from an image of the own label, minus from one of the other"
    return [
        Rule("leak_identity", leaks, "people or components in more than one split", 0, True, 0,
             "Nobody stands in two splits.",
             "The classifier is tested on people it was trained on", resplit),
        Rule("leak_near_copy", leaks, "near copies across splits, by perceptual hash", 0, True, 0,
             "No picture has a near copy in another split.",
             "The classifier is tested on copies of what it was trained on", resplit),
        Rule("leak_parents", leaks, "photos used, themselves or in a forgery, in two splits", 0,
             True, 0, "No forgery was made from a photo of another split.",
             "Photos that were trained on come back inside the test's forgeries", resplit),
        *(
            Rule(f"shortcut_{name}", shortcuts, f"AUROC of a probe that sees {seen}", 0.55, True,
                 0.05, "What this probe sees does not tell real from fake.",
                 "Real and fake can be told apart without a look at the forgery; a high accuracy "
                 "may be this", recode)
            for name, seen in (
                ("file", "the number of bytes"),
                ("size", "width and height"),
                ("quality", "the file's quantisation table"),
                ("codec", "format, colour mode, chroma subsampling and metadata"),
                ("thumbnail", "8 by 8 grey pixels, the forged region hidden"),
                ("border", "the outermost pixels, the forged region hidden"),
                ("colour", "mean and spread of the colours, the forged region hidden"),
                ("spectrum", "the radial power spectrum, the forged region hidden"),
            )
        ),
        *(
            Rule(f"follows_{name}", reliance, f"{drop}: {seen}", 0.10, True, 0.05,
                 "Exchanging it between the labels does not move the scores.",
                 "The score moves with it, though it says nothing of a forgery", recode)
            for name, seen in (
                ("size", "size in pixels"),
                ("codec", "encoder and quality"),
                ("border", "the frame"),
                ("background", "all around the face"),
                ("colour", "mean and spread of the colours"),
            )
        ),
        Rule("without_forgery", ablations, "AUROC with the forged region hidden in both labels",
             0.65, True, 0.05, "Without the forged region little is left to tell by.",
             "Real and fake are told apart although the forgery cannot be seen", recode),
        Rule("without_background", ablations, "AUROC with all but the middle of the face hidden",
             0.60, False, 0.05, "The face alone is enough.",
             "Without the surroundings of the face the classifier knows little or nothing", recode),
        Rule("low_pass", ablations, "AUROC on slightly blurred images", 0.60, False, 0.05,
             "The finest detail is not needed.",
             "It lives on the finest detail, which every upload removes", aligned),
        Rule("high_pass", ablations, "AUROC on images without their coarse tones", 0.60, False,
             0.05, "Coarse light and colour are not needed.",
             "It lives on coarse light and colour, not on traces of a forgery", recode),
        Rule("reencoded", ablations, "AUROC lost when all images are encoded again alike", 0.15,
             True, 0.05, "One more JPEG for all changes little.",
             "One more JPEG for all takes away what it goes by", aligned),
        *(
            Rule(f"worst_{name}", shifts, f"AUROC on the {name} that is found worst", 0.60, False,
                 0.05, f"Every {name} is found.",
                 f"The number is an average: one {name} is hardly found at all",
                 f"State the worst {name} beside the mean; train with more kinds of forgery.")
            for name in ("method", "family", "source")
        ),
        *(
            Rule(f"tier_{name}", shifts, f"AUROC after {seen}", 0.60, False, 0.05,
                 "It stands what happens to an image on its way.",
                 "It does not survive what happens to an image on its way", aligned)
            for name, seen in (
                ("web", "scaling by 0.75 and JPEG 60"),
                ("hard", "scaling by 0.5 and JPEG 40"),
            )
        ),
        Rule("hard_reals", shifts, "false alarms on the kind of odd real photo that is worst", 0.30,
             True, 0.05, "Retouched, sharpened, upscaled and dark photos stay real.",
             "Real photos that were only retouched, sharpened, upscaled or taken in the dark are "
             "called fake", aligned),
        Rule("unscored", decisions, "images that can be read and have no score", 0, True, 0,
             "Every image that can be read has a score.",
             "The number leaves images out, and nobody knows how they would have been judged",
             "Score every image; count those that cannot be judged as errors."),
        Rule("calibration", decisions, "expected calibration error beyond chance", 0.10, True, 0.05,
             "The score can be read as a probability.",
             "The score is not the probability it looks like",
             "Fit a temperature on validation, or state that scores only rank."),
        Rule("threshold_transfer", decisions,
             "false alarms in test at the threshold with 5 % in validation", 0.15, True, 0.05,
             "The threshold holds on unseen people.",
             "The threshold does not hold on unseen people",
             "Choose thresholds on people, sources and encoders like those in use."),
        Rule("base_rate", decisions, "share of right alarms where half of all images are fake",
             0.80, False, 0.05, "At even odds an alarm is mostly right.",
             "Even where half of all images are fake, many alarms are wrong",
             "Raise the threshold; say what an alarm is worth at the rate of fakes in use."),
        Rule("subgroup_gap", people, "largest difference in error between subgroups", 0.15, True,
             0.05, "No subgroup fares much worse than another.",
             "One subgroup fares much worse than another", look),
        Rule("slices", people, "error of the worst slice of alike pictures, over the mean", 0.20,
             True, 0.05, "No slice of alike pictures stands out.",
             "There is a slice of alike pictures on which it fails", look),
        Rule("label_noise", people, "share of labels that are wrong, by the scores", 0.05,
             True, 0.03,
             "The labels agree with what the scores say.",
             "Some labels look wrong, so the number has a ceiling and a bias",
             "Look at the suspects in the report; correct or remove them in every split."),
        Rule("localisation", sanity,
             "heat inside the forged region over what an even heat map would have", 1.0, False, 0.0,
             "It looks at the forgery more than elsewhere.",
             "It does not look at the forgery", recode),
        Rule("baselines", sanity, "AUROC above the best trivial baseline", 0.0, False, 0.05,
             "Trivial baselines do worse.",
             "A regression on a thumbnail, a spectrum or the file does better",
             "Do not use a network where a regression does as well; look at what it found."),
        Rule("permutation", sanity, "p-value of the AUROC against shuffled labels", 0.05, True, 0.0,
             "Shuffled labels do not do as well.",
             "Shuffled labels do as well: nothing is shown",
             "Do not use it; measure on more people if an effect is expected."),
        Rule("seed_spread", sanity, "standard deviation of the AUROC over training seeds", 0.05,
             True, 0.05, "Training again gives the same.",
             "Training again gives something else: the number is a lucky draw",
             "Report the mean and spread over at least five seeds."),
    ]  # fmt: skip


RULES: Mapping[str, Rule] = {rule.code: rule for rule in _list_rules()}


def judge(code: str, measured: Measured | None, note: str = "", n: int = 0) -> Finding:
    """A finding from a measured value.

    Args:
        code: of the rule.
        measured: the value; None where it could not be measured, which is underpowered.
        note: what was found, for the reader.
        n: images that were given, where nothing could be measured.
    """
    rule = RULES[code]
    outcome: Outcome = "underpowered"
    if measured is not None:
        outcome = _compare(rule, measured)
    return _state(rule, outcome, measured, note, n)


def attempt(code: str, find: Callable[[], Finding], n: int) -> Finding:
    """What `find` finds; underpowered, with the reason, where the number does not exist."""
    try:
        return find()
    except MetricError as error:
        return judge(code, None, str(error), n)


def skip(code: str, reason: str, measured: Measured | None = None) -> Finding:
    """A finding that was not made, with the reason; the value may be told without a verdict."""
    return _state(RULES[code], "not_applicable", measured, reason, 0)


def count(code: str, named: list[str], n: int) -> Finding:
    """A finding of what must not be there at all.

    Args:
        code: of the rule.
        named: what was found, by name.
        n: how many were looked at.
    """
    rule = RULES[code]
    outcome: Outcome = "fail" if named else "pass"
    shown = "; ".join(named[:5]) + (f"; and {len(named) - 5} more" if len(named) > 5 else "")
    return Finding(
        code=code, outcome=outcome, measure=rule.measure, value=len(named), low=None, high=None,
        limit=rule.limit, n=n, meaning=_say(rule, outcome, shown), advice=_advise(rule, outcome),
        power="All were counted; one would have been enough to fail.",
    )  # fmt: skip


def _compare(rule: Rule, measured: Measured) -> Outcome:
    sign = 1 if rule.is_upper else -1
    low, value, high = sorted(
        (sign * one for one in (measured.low, measured.value, measured.high)),
    )
    limit = sign * rule.limit
    if low > limit:
        return "fail"
    return "pass" if value <= limit and high <= limit + rule.margin else "underpowered"


def _state(rule: Rule, outcome: Outcome, measured: Measured | None, note: str, n: int) -> Finding:
    return Finding(
        code=rule.code,
        outcome=outcome,
        measure=rule.measure,
        value=None if measured is None else measured.value,
        low=None if measured is None else measured.low,
        high=None if measured is None else measured.high,
        limit=rule.limit,
        n=n if measured is None else measured.n,
        meaning=_say(rule, outcome, note),
        advice=_advise(rule, outcome),
        power=_tell_power(rule, measured),
    )


def _say(rule: Rule, outcome: Outcome, note: str) -> str:
    said = {
        "pass": rule.passed,
        "fail": f"{rule.failed}.",
        "underpowered": "These images are too few to say.",
        "not_applicable": "",
    }[outcome]
    ending = "" if not note or note.endswith(".") else "."
    return f"{said} {note}{ending}".strip()


def _advise(rule: Rule, outcome: Outcome) -> str:
    return {
        "pass": _NOTHING,
        "fail": rule.advice,
        "underpowered": "Add people (groups), not more images of the same ones.",
        "not_applicable": "Give the audit what is missing, or judge this by hand.",
    }[outcome]


def _tell_power(rule: Rule, measured: Measured | None) -> str:
    if measured is None:
        return "Nothing was measured, so nothing would have been seen."
    reach = measured.value - measured.low if rule.is_upper else measured.high - measured.value
    side = "above" if rule.is_upper else "below"
    edge = rule.limit + reach if rule.is_upper else rule.limit - reach
    return f"With these images a value {side} {edge:.2f} would have failed."
