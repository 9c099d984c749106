import numpy as np
import pytest

from faceproof.data.checks.shortcuts import judge, probe, read_file_facts
from faceproof.data.images import Pixels, encode_jpeg, encode_mask
from faceproof.errors import MetricError
from faceproof.metrics import Measured

PEOPLE, EACH = 30, 6
GROUPS = np.repeat([f"p{person}" for person in range(PEOPLE)], EACH)
LABELS = np.tile([0, 1], PEOPLE * EACH // 2)


def test_facts_are_read_without_pixels(face: Pixels) -> None:
    facts = read_file_facts(encode_jpeg(face, 75, 2))
    assert (facts["format"], facts["width"], facts["height"]) == ("JPEG", 92, 112)
    assert facts["subsampling"] == 2
    coarse = read_file_facts(encode_jpeg(face, 30, 2))
    assert float(coarse["quantisation"]) > float(facts["quantisation"])
    assert read_file_facts(encode_mask(face[..., 0]))["subsampling"] == -1


@pytest.mark.parametrize("data", [b"", b"text", b"\xff\xd8\xff\xe0\x00"])
def test_an_unreadable_file_is_a_fact_too(data: bytes) -> None:
    assert read_file_facts(data) == {"size_bytes": len(data), "format": "unreadable"}


def test_a_planted_size_is_found(rng: np.random.Generator) -> None:
    facts: list[dict[str, float | str]] = [
        {"size_bytes": float(1000 - 300 * label + rng.normal(0, 100)), "format": "JPEG"}
        for label in LABELS
    ]
    measured = probe(facts, LABELS, GROUPS, seed=0)
    assert measured.value > 0.9
    assert judge("file_facts", measured, len(LABELS), "the file").outcome == "fail"


def test_a_planted_format_is_found() -> None:
    facts: list[dict[str, float | str]] = [
        {"size_bytes": 1.0, "format": "PNG" if label else "JPEG"} for label in LABELS
    ]
    assert probe(facts, LABELS, GROUPS, seed=0).value == 1.0


def test_equal_facts_give_exactly_chance() -> None:
    facts: list[dict[str, float | str]] = [{"size_bytes": 5.0, "format": "JPEG"} for _ in LABELS]
    measured = probe(facts, LABELS, GROUPS, seed=0)
    assert measured.value == 0.5
    assert measured.low < 0.5 < measured.high


def test_facts_of_the_person_do_not_help() -> None:
    """Each person has a size of their own; between people it says nothing."""
    facts: list[dict[str, float | str]] = [
        {"size_bytes": float(hash_of), "format": "JPEG"}
        for hash_of in np.repeat(range(PEOPLE), EACH)
    ]
    assert abs(probe(facts, LABELS, GROUPS, seed=0).value - 0.5) < 0.05


def test_too_few_groups_cannot_be_probed() -> None:
    facts: list[dict[str, float | str]] = [{"size_bytes": 1.0}] * 4
    with pytest.raises(MetricError, match="at least 5 groups"):
        probe(facts, np.array([0, 1, 0, 1]), np.array(["a", "a", "b", "b"]), seed=0)


@pytest.mark.parametrize(
    ("value", "low", "high", "outcome"),
    [
        (0.50, 0.48, 0.53, "pass"),
        (0.54, 0.50, 0.60, "pass"),
        (0.54, 0.45, 0.63, "underpowered"),
        (0.58, 0.52, 0.64, "underpowered"),
        (0.58, 0.551, 0.60, "fail"),
        (0.99, 0.98, 1.00, "fail"),
    ],
)
def test_the_interval_decides(value: float, low: float, high: float, outcome: str) -> None:
    assert judge("file_facts", Measured(value, 100, low, high), 100, "the file").outcome == outcome


def test_what_could_not_be_measured_is_underpowered() -> None:
    finding = judge("file_facts", None, 8, "the file")
    assert (finding.outcome, finding.value, finding.n) == ("underpowered", None, 8)
