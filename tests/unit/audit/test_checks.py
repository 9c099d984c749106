"""Every check on a sound classifier and on one that follows the background."""

from dataclasses import replace

import numpy as np
import pytest

from faceproof.audit.audits import has_failed, measure_classifier, run_checks
from faceproof.audit.cases import Case, Scored
from faceproof.audit.checks import (
    comparisons,
    decisions,
    leaks,
    people,
    reliance,
    shifts,
    shortcuts,
)
from faceproof.audit.rules import RULES
from faceproof.audit.suspects import list_errors, list_suspects
from faceproof.data.checks.findings import Finding
from faceproof.metrics import Measured


def by_code(findings: list[Finding]) -> dict[str, Finding]:
    return {one.code: one for one in findings}


def outcomes(findings: list[Finding]) -> dict[str, str]:
    return {one.code: one.outcome for one in findings}


def test_a_sound_classifier_fails_nothing_and_every_check_is_told(sound: Case) -> None:
    findings = run_checks(sound)
    assert {one.code for one in findings} == set(RULES)
    assert not has_failed(findings), outcomes(findings)
    assert by_code(findings)["localisation"].outcome == "pass"
    found = measure_classifier(sound)["classifier_auroc"]
    assert isinstance(found, Measured)
    assert found.value > 0.99


def test_one_that_follows_the_background_is_found_out(broken: Case) -> None:
    found = measure_classifier(broken)["classifier_auroc"]
    assert isinstance(found, Measured)
    assert found.value > 0.99  # as good a number as the sound one's
    moved = by_code(reliance.check(broken))
    assert moved["follows_background"].outcome == "fail"
    assert moved["without_forgery"].outcome == "fail"
    seen = outcomes(shortcuts.check(broken))
    assert seen["shortcut_border"] == "fail"
    assert seen["shortcut_quality"] == "pass"
    assert by_code(comparisons.check(broken))["localisation"].outcome == "fail"


def test_predictions_alone_leave_out_what_needs_the_model(sound: Case) -> None:
    alone = replace(sound, classifier=None)
    codes = outcomes([*reliance.check(alone), *shifts.check(alone), *comparisons.check(alone)])
    assert codes["follows_codec"] == codes["tier_web"] == codes["localisation"] == "not_applicable"
    assert codes["worst_method"] == "pass"
    assert codes["baselines"] == "pass"


def test_data_alone_are_audited_too(sound: Case) -> None:
    findings = run_checks(replace(sound, classifier=None, test=None, validation=None))
    told = outcomes(findings)
    assert told["leak_identity"] == told["shortcut_codec"] == "pass"
    assert told["calibration"] == told["slices"] == told["baselines"] == "not_applicable"


def test_no_splits_no_leaks(sound: Case) -> None:
    table = sound.evidence.table.drop(columns="split")
    bare = replace(sound, evidence=replace(sound.evidence, table=table))
    assert set(outcomes(leaks.check(bare)).values()) == {"not_applicable"}


def test_a_parent_from_another_split_is_named(sound: Case) -> None:
    table = sound.evidence.table.copy()
    test = table.index[(table["split"] == "test") & (table["label"] == 1)][0]
    stranger = table["image_id"][table["split"] == "train"].iloc[0]
    parents = [list(one) for one in table["parent_ids"]]
    parents[test] = [stranger]
    table["parent_ids"] = parents
    leaking = replace(sound, evidence=replace(sound.evidence, table=table))
    found = by_code(leaks.check(leaking))["leak_parents"]
    assert found.outcome == "fail"
    assert stranger in found.meaning


def with_margins(case: Case, margins: np.ndarray) -> Case:
    return replace(case, test=Scored(case.scored.rows, margins.astype(np.float64)))


def test_chance_is_told_from_skill(sound: Case) -> None:
    rng = np.random.default_rng(1)
    lost = with_margins(sound, rng.normal(size=len(sound.labels)))
    told = outcomes(comparisons.check(lost))
    assert told["permutation"] == "fail"
    assert told["baselines"] in {"fail", "underpowered"}
    assert outcomes(people.check(lost))["label_noise"] == "not_applicable"


def test_a_threshold_that_does_not_hold_fails(sound: Case) -> None:
    """All test images look more fake than validation's did."""
    moved = with_margins(sound, sound.scored.margins + 100)
    told = by_code(decisions.check(moved))
    assert told["threshold_transfer"].outcome == "fail"
    assert told["threshold_transfer"].value == 1.0
    assert told["calibration"].outcome == "fail"
    assert told["base_rate"].outcome == "fail"  # every image is called fake: half are right


def test_an_alarm_is_worth_what_the_base_rate_leaves(sound: Case) -> None:
    meaning = by_code(decisions.check(sound))["base_rate"].meaning
    assert "0.1% fakes" in meaning


def test_a_cohort_that_is_guessed_is_named(sound: Case) -> None:
    cohort = sound.column("cohort")
    assert cohort is not None
    rng = np.random.default_rng(0)
    noise = rng.normal(size=len(cohort)) * sound.scored.margins.std()
    guessed = with_margins(sound, np.where(cohort == "dim", noise, sound.scored.margins))
    found = by_code(people.check(guessed))["subgroup_gap"]
    assert found.outcome == "fail"
    assert "cohort: dim" in found.meaning


def test_flipped_labels_are_suspects_and_shown(sound: Case) -> None:
    table = sound.evidence.table.copy()
    rows = np.random.default_rng(0).choice(sound.scored.rows, len(sound.scored.rows) // 5, False)
    table.loc[rows, "label"] = 1 - table.loc[rows, "label"]
    noisy = replace(sound, evidence=replace(sound.evidence, table=table))
    assert by_code(people.check(noisy))["label_noise"].outcome == "fail"
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
    found = by_code(comparisons.check(replace(sound, others=others)))["seed_spread"]
    assert found.outcome == outcome


def test_a_weak_classifier_does_not_put_clean_labels_in_doubt(sound: Case) -> None:
    """Margins of two bells that overlap: calibrated, with errors, and no wrong label."""
    rng = np.random.default_rng(0)
    margins = rng.normal(size=len(sound.labels)) + np.where(sound.labels == 1, 0.9, -0.9)
    weak = with_margins(sound, 1.8 * margins * sound.decision.temperature)
    assert 0.85 < weak.rank(np.arange(len(weak.labels))) < 0.95
    told = outcomes([*people.check(weak), *decisions.check(weak)])
    assert told["label_noise"] != "fail"
    assert told["calibration"] == "pass"


def test_skill_at_people_is_not_skill_at_fakes() -> None:
    """Groups of one label each are exchanged whole, others within: both leave chance alone."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.array(list("abcdefgh")), 10)
    labels = np.repeat(rng.permutation([0, 0, 0, 0, 1, 1, 1, 1]), 10)
    shuffled = comparisons._shuffle_labels(labels, groups, rng)
    assert all(len(set(shuffled[groups == name])) == 1 for name in "abcdefgh")
    assert shuffled.sum() == labels.sum()
    mixed = np.tile([0, 1, 1, 0, 0], 16)
    shuffled = comparisons._shuffle_labels(mixed, groups, rng)
    assert (shuffled != mixed).any()
    assert all(shuffled[groups == name].sum() == 4 for name in "abcdefgh")
