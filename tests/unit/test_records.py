from faceproof import records
from faceproof.data.tables import features

FIXED = (
    "image", "mask", "label", "role", "family", "method", "image_id", "pair_id",
    "component_id", "identity_id", "parent_ids", "source", "seed",
)  # fmt: skip
LABELS = records.PhotoLabels(
    sex="female", sex_basis="derived", sex_confidence=0.9, birth_year=None, age_band="20-34",
    age_basis="derived", age_confidence=0.5, skin_tone="tan", ita_degrees=20.0, yaw_degrees=0.0,
    roll_degrees=0.0, mouth_width=0.8, face_confidence=1.0, sharpness=2.0, brightness=0.5,
    face_pixels=92, source_width=92, source_height=112, source_jpeg_quality=None,
    licence="none", consent="none",
)  # fmt: skip


def test_columns_are_those_that_tools_read_and_the_schema_keeps_their_order() -> None:
    assert records.COLUMNS[: len(FIXED)] == FIXED
    assert tuple(features()) == records.COLUMNS


def test_every_column_is_described_in_order() -> None:
    assert tuple(records.DESCRIPTIONS) == records.COLUMNS


def test_real_is_0_and_fake_is_1() -> None:
    assert features()["label"].str2int("fake") == records.FAKE == 1
    assert features()["role"].names == ["real", "sham", "fake"]


def test_a_row_holds_encoded_images_and_null_where_there_is_no_mask() -> None:
    record = records.FaceRecord(
        image=b"jpeg", mask=None, label="real", role="real", family="none", method="none",
        image_id="i", pair_id="i", component_id="c", identity_id="p", parent_ids=(),
        source="s", seed=None, parameters="{}", labels=LABELS,
    )  # fmt: skip
    row = records.to_row(record)
    assert row["image"] == {"bytes": b"jpeg", "path": None}
    assert row["mask"] is None
    assert row["parent_ids"] == []
    assert (row["sex"], row["ita_degrees"], row["birth_year"]) == ("female", 20.0, None)
    assert tuple(row) == records.COLUMNS
