"""Every check on a sound classifier and on one that follows the background."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from faceproof.audit.audits import has_failed, measure_classifier, run_checks
from faceproof.audit.cases import Case, Scored, draw_groups
from faceproof.audit.checks import CHECKS, comparisons
from faceproof.audit.suspects import list_errors, list_suspects
from faceproof.data.checks.findings import Finding
from faceproof.data.images import MIN_SIDE_PIXELS, encode_jpeg
from faceproof.metrics import Measured


def check(case: Case, *codes: str) -> dict[str, Finding]:
    return {code: CHECKS[code].run(case) for code in codes}


def outcomes(findings: Iterable[Finding]) -> dict[str, str]:
    return {one.code: one.outcome for one in findings}


def judge(case: Case, *codes: str) -> dict[str, str]:
    return outcomes(check(case, *codes).values())


def test_a_sound_classifier_fails_nothing_and_every_check_is_told(sound: Case) -> None:
    findings = run_checks(sound)
    assert {one.code for one in findings} == set(CHECKS)
    assert not has_failed(findings), outcomes(findings)
    assert outcomes(findings)["localisation"] == "pass"
    found = measure_classifier(sound)["classifier_auroc"]
    assert isinstance(found, Measured)
    assert found.value > 0.99


def test_one_that_follows_the_background_is_found_out(broken: Case) -> None:
    found = measure_classifier(broken)["classifier_auroc"]
    assert isinstance(found, Measured)
    assert found.value > 0.95  # a number as good as many
    telling = ("follows_background", "without_background", "shortcut_border", "localisation")
    assert judge(broken, *telling) == dict.fromkeys(telling, "fail")
    assert judge(broken, "shortcut_quality") == {"shortcut_quality": "pass"}


def test_predictions_alone_leave_out_what_needs_the_model(sound: Case) -> None:
    alone = replace(sound, classifier=None)
    asked = ("follows_codec", "tier_web", "localisation")
    assert judge(alone, *asked) == dict.fromkeys(asked, "not_applicable")
    told = ("worst_method", "baselines")
    assert judge(alone, *told) == dict.fromkeys(told, "pass")


def test_data_alone_are_audited_too(sound: Case) -> None:
    findings = run_checks(replace(sound, classifier=None, test=None, validation=None))
    told = outcomes(findings)
    assert told["leak_identity"] == told["shortcut_codec"] == "pass"
    assert told["calibration"] == told["slices"] == told["baselines"] == "not_applicable"


def test_no_splits_no_leaks(sound: Case) -> None:
    table = sound.evidence.table.drop(columns="split")
    bare = replace(sound, evidence=replace(sound.evidence, table=table))
    leaks = ("leak_identity", "leak_near_copy", "leak_parents")
    assert judge(bare, *leaks) == dict.fromkeys(leaks, "not_applicable")


def test_a_parent_from_another_split_is_named(sound: Case) -> None:
    table = sound.evidence.table.copy()
    test = table.index[(table["split"] == "test") & (table["label"] == 1)][0]
    stranger = table["image_id"][table["split"] == "train"].iloc[0]
    parents = [list(one) for one in table["parent_ids"]]
    parents[test] = [stranger]
    table["parent_ids"] = parents
    leaking = replace(sound, evidence=replace(sound.evidence, table=table))
    found = check(leaking, "leak_parents")["leak_parents"]
    assert found.outcome == "fail"
    assert stranger in found.meaning


def with_margins(case: Case, margins: np.ndarray) -> Case:
    return replace(case, test=Scored(case.scored.rows, margins.astype(np.float64)))


def test_chance_is_told_from_skill(sound: Case) -> None:
    rng = np.random.default_rng(3)
    lost = with_margins(sound, rng.normal(size=len(sound.labels)))
    told = judge(lost, "permutation", "baselines", "label_noise")
    assert told["permutation"] == "fail"
    assert told["baselines"] in {"fail", "underpowered"}
    assert told["label_noise"] == "not_applicable"


def test_a_threshold_that_does_not_hold_fails(sound: Case) -> None:
    """All test images look more fake than validation's did."""
    moved = with_margins(sound, sound.scored.margins + 100)
    told = check(moved, "threshold_transfer", "calibration", "base_rate")
    assert told["threshold_transfer"].outcome == "fail"
    assert told["threshold_transfer"].value == 1.0
    assert told["calibration"].outcome == "fail"
    assert told["base_rate"].outcome == "fail"  # every image is called fake: half are right


def test_an_alarm_is_worth_what_the_base_rate_leaves(sound: Case) -> None:
    meaning = check(sound, "base_rate")["base_rate"].meaning
    assert "0.1% fakes" in meaning


def test_a_cohort_that_is_guessed_is_named(sound: Case) -> None:
    cohort = sound.column("cohort")
    assert cohort is not None
    rng = np.random.default_rng(0)
    noise = rng.normal(size=len(cohort)) * sound.scored.margins.std()
    guessed = with_margins(sound, np.where(cohort == "dim", noise, sound.scored.margins))
    found = check(guessed, "subgroup_gap")["subgroup_gap"]
    assert found.outcome == "fail"
    assert "cohort dim against bright" in found.meaning


def test_flipped_labels_are_suspects_and_shown(sound: Case) -> None:
    table = sound.evidence.table.copy()
    rows = np.random.default_rng(0).choice(sound.scored.rows, len(sound.scored.rows) // 5, False)
    table.loc[rows, "label"] = 1 - table.loc[rows, "label"]
    noisy = replace(sound, evidence=replace(sound.evidence, table=table))
    found = check(noisy, "label_noise")["label_noise"]
    assert found.outcome == "fail"
    assert found.value == pytest.approx(0.2, abs=0.05)  # the share that was flipped
    shown = list_suspects(noisy)
    flipped = set(table.loc[rows, "name"])
    assert len(shown) == 12
    assert all(one["image"] in flipped for one in shown)
    errors = list_errors(noisy)
    assert all(one["thumbnail"] and one["neighbour"] for one in errors)
    assert all(0 < int(str(one["bits"])) <= 255 for one in errors)


@pytest.mark.parametrize(
    ("others", "outcome"),
    [((), "not_applicable"), ((0.99, 1.0), "pass"), ((0.5, 0.6, 0.55, 0.9), "fail")],
)
def test_seeds_are_compared(sound: Case, others: tuple[float, ...], outcome: str) -> None:
    assert judge(replace(sound, others=others), "seed_spread") == {"seed_spread": outcome}


def test_a_weak_classifier_does_not_put_clean_labels_in_doubt(sound: Case) -> None:
    """Margins of two bells that overlap: calibrated, with errors, and no wrong label."""
    rng = np.random.default_rng(0)
    margins = rng.normal(size=len(sound.labels)) + np.where(sound.labels == 1, 0.9, -0.9)
    weak = with_margins(sound, 1.8 * margins * sound.decision.temperature)
    assert 0.85 < weak.rank(np.arange(len(weak.labels))) < 0.95
    told = judge(weak, "label_noise", "calibration")
    assert told["label_noise"] != "fail"
    assert told["calibration"] == "pass"


def test_images_too_small_to_be_changed_are_scored_as_they_are(sound: Case) -> None:
    data = encode_jpeg(np.full((MIN_SIDE_PIXELS, MIN_SIDE_PIXELS, 3), 99, np.uint8), 90, 0)
    tiny = replace(sound.evidence, read=lambda row: data)
    told = judge(replace(sound, evidence=tiny), "tier_hard", "hard_reals")
    assert set(told) == {"tier_hard", "hard_reals"}


def test_the_threshold_is_as_uncertain_as_the_validation_it_is_from(sound: Case) -> None:
    """With few people in validation the interval is wider than that of the false alarms alone."""
    rng = np.random.default_rng(0)
    blurred = with_margins(sound, rng.normal(size=len(sound.labels)))
    assert sound.validation is not None
    noise = rng.normal(size=len(sound.validation.rows))
    blurred = replace(blurred, validation=Scored(sound.validation.rows, noise))
    found = check(blurred, "threshold_transfer")["threshold_transfer"]
    assert found.value == pytest.approx(0.05, abs=0.05)
    assert found.low is not None
    assert found.high is not None
    alarms = blurred.scored.margins > np.quantile(noise, 0.95)
    own = np.flatnonzero(sound.labels == 0)
    alone = sound.measure(lambda places: float(alarms[places].mean()), own)
    assert found.high - found.low > alone.high - alone.low


def test_groups_are_drawn_whole() -> None:
    groups = np.repeat(np.arange(30).astype(str), [*range(1, 30), 500])
    for seed in range(10):
        drawn = groups[draw_groups(groups, 200, seed)]
        names, counts = np.unique(drawn, return_counts=True)
        assert all(counts == [(groups == name).sum() for name in names])
        if "29" not in names:  # the giant is passed over, not the end of the draw
            assert 150 < len(drawn) <= 200


def test_groups_too_large_for_the_draw_still_have_an_interval() -> None:
    groups = np.repeat(np.array(list("abcdefghijkl")), 100)
    assert len(np.unique(groups[draw_groups(groups, 400, 0)])) == 5


def test_skill_at_people_is_not_skill_at_fakes() -> None:
    """Groups of one label each are exchanged whole, others within: both leave chance alone."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.array(list("abcdefgh")), 10)
    labels = np.repeat(rng.permutation([0, 0, 0, 0, 1, 1, 1, 1]), 10)
    shuffled = comparisons.shuffle_labels(labels, groups, rng)
    assert all(len(set(shuffled[groups == name])) == 1 for name in "abcdefgh")
    assert shuffled.sum() == labels.sum()
    mixed = np.tile([0, 1, 1, 0, 0], 16)
    shuffled = comparisons.shuffle_labels(mixed, groups, rng)
    assert (shuffled != mixed).any()
    assert all(shuffled[groups == name].sum() == 4 for name in "abcdefgh")
