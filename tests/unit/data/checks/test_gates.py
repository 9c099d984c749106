from collections.abc import Callable

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from faceproof.data.checks.findings import Finding, to_values
from faceproof.data.checks.gates import (
    VIEWS,
    check_gates,
    probe_view,
    refuse_failures,
    see_blur,
    see_border,
    see_colour,
    see_spectrum,
    see_thumbnail,
)
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.errors import DatasetError, MetricError

PEOPLE, PHOTOS = 12, 5
Plant = Callable[[Pixels, int], bytes]


def write_plain(pixels: Pixels, label: int) -> bytes:
    return encode_jpeg(pixels, 90, 0)


def plant_quality(pixels: Pixels, label: int) -> bytes:
    return encode_jpeg(pixels, 75 if label else 95, 0)


def plant_border(pixels: Pixels, label: int) -> bytes:
    marked = pixels.copy()
    marked[:3] = 255 if label else marked[:3]
    return encode_jpeg(marked, 90, 0)


def plant_brightness(pixels: Pixels, label: int) -> bytes:
    return encode_jpeg((pixels * (0.8 if label else 1.0)).astype(np.uint8), 90, 0)


def make_splits(plant: Plant, family: str = "blend") -> DatasetDict:
    """Noise pictures, one real and one fake of each: what `plant` does is all that differs."""
    rng = np.random.default_rng(0)
    rows = []
    for photo in range(PEOPLE * PHOTOS):
        pixels = rng.normal(128, 30, (40, 40, 3)).clip(0, 255).astype(np.uint8)
        for label in (0, 1):
            rows.append(
                {
                    "image": {"bytes": plant(pixels, label), "path": None},
                    "label": label,
                    "family": family if label else "none",
                    "pair_id": f"photo{photo}",
                    "component_id": f"person{photo // PHOTOS}",
                    "identity_id": f"person{photo // PHOTOS}",
                    "sex": "female" if photo % 2 else "male",
                    "age_band": "20-34",
                    "skin_tone": "unmeasured",
                }
            )
    whole = Dataset.from_list(rows)
    nothing = whole.select([])
    return DatasetDict({"train": whole, "validation": nothing, "test": nothing})


def outcomes(findings: list[Finding]) -> dict[str, str]:
    return {one.code.removeprefix("gate_blend_"): one.outcome for one in findings}


@pytest.mark.parametrize(
    ("plant", "found"),
    [(plant_quality, "container"), (plant_border, "border"), (plant_brightness, "thumbnail")],
)
def test_a_planted_shortcut_refuses_the_build_by_name(plant: Plant, found: str) -> None:
    findings = check_gates(make_splits(plant), seed=0)
    assert outcomes(findings)[found] == "fail"
    with pytest.raises(DatasetError, match=f"gate_blend_{found}"):
        refuse_failures(findings)


@pytest.mark.parametrize(
    "is_kept",
    [
        lambda row: row["label"] == 0 or row["component_id"] < "person5",
        lambda row: row["label"] == 0 or row["sex"] == "male",
    ],
    ids=["some people", "men only"],
)
def test_forging_some_more_than_others_refuses_the_build(
    is_kept: Callable[[dict[str, object]], bool],
) -> None:
    splits = make_splits(write_plain)
    splits["train"] = splits["train"].filter(is_kept)
    findings = check_gates(splits, seed=0)
    assert outcomes(findings)["identity"] == "fail"
    with pytest.raises(DatasetError, match="gate_blend_identity"):
        refuse_failures(findings)


def test_equal_images_pass_every_gate() -> None:
    findings = check_gates(make_splits(write_plain), seed=0)
    assert set(outcomes(findings)) == {"container", "identity", *VIEWS}
    assert set(outcomes(findings).values()) == {"pass"}
    refuse_failures(findings)
    assert to_values(findings)["gate_blend_border_outcome"] == "pass"


def test_a_forgery_of_the_whole_image_is_reported_and_not_refused() -> None:
    findings = check_gates(make_splits(plant_brightness, family="reconstruct"), seed=0)
    assert {one.outcome for one in findings if one.code == "gate_reconstruct_thumbnail"} == {"fail"}
    refuse_failures(findings)


def test_permuted_labels_do_not_fail(rng: np.random.Generator) -> None:
    """Null control: views that tell the photo but not which of its images is the fake."""
    pairs = np.repeat([f"photo{photo}" for photo in range(60)], 2)
    groups = np.repeat([f"person{person}" for person in range(12)], 10)
    views = np.repeat(rng.normal(size=(60, 10)), 2, axis=0) + rng.normal(0, 0.01, (120, 10))
    values = []
    for seed in range(10):
        flips = np.random.default_rng(seed).integers(0, 2, 60)
        labels = np.stack([flips, 1 - flips], axis=1).ravel()
        measured = probe_view(views, labels, pairs, groups, seed)
        assert measured.low < 0.55
        values.append(measured.value)
    assert abs(np.mean(values) - 0.5) < 0.06


def test_too_few_groups_cannot_be_probed() -> None:
    ones = np.ones((4, 2))
    with pytest.raises(MetricError, match="at least 5 groups"):
        probe_view(ones, np.array([0, 1, 0, 1]), np.array(list("aabb")), np.array(list("aabb")), 0)


def test_views_have_the_shape_they_say_and_see_what_they_should(face: Pixels) -> None:
    assert see_thumbnail(face).shape == (64,)
    assert see_border(face).shape == (24,)
    assert see_colour(face).shape == (12,)
    assert see_blur(face).shape == (6,)
    assert (see_blur(face[::1, ::1] // 2) < see_blur(face)).all()
    assert see_spectrum(face).shape == (32,)
    middle = face.copy()
    middle[40:60, 40:60] = 0
    assert (see_border(middle) == see_border(face)).all()
    flat = np.full_like(face, 100)
    assert (see_spectrum(flat)[4:] < see_spectrum(face)[4:]).all()
