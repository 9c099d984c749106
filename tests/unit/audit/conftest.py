"""Planted data and classifiers, made once: a sound one and one that follows the background."""

import pytest
from benchmarks.audit import faults
from benchmarks.audit.planted_sets import COHORT, Fault, build_evidence

from faceproof.audit.cases import Case, Question, open_case


def make_case(fault: Fault | None, name: str) -> Case:
    evidence = build_evidence(fault, seed=1)
    design = faults.SOUND.get(name, faults.Design(is_augmented=False))
    classifier = faults.make_classifier(name, evidence, design, fault, seed=1)
    return open_case(evidence, classifier, None, Question(120, (COHORT,), seed=1))


@pytest.fixture(scope="package")
def sound() -> Case:
    """A classifier that found the planted forgery."""
    return make_case(None, "sound_plain")


@pytest.fixture(scope="package")
def broken() -> Case:
    """One that goes by the background, because its fakes have no other trace."""
    return make_case("background", "background")
