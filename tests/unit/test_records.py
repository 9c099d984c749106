from faceproof import records

FIXED = (
    "image", "mask", "label", "role", "family", "method", "image_id", "pair_id",
    "component_id", "identity_id", "parent_ids", "source", "seed",
)  # fmt: skip


def test_columns_are_those_that_tools_read_and_the_schema_keeps_their_order() -> None:
    assert records.COLUMNS == FIXED
    assert tuple(records.features()) == FIXED


def test_real_is_0_and_fake_is_1() -> None:
    assert records.features()["label"].str2int("fake") == records.FAKE == 1
    assert records.features()["role"].names == ["real", "sham", "fake"]


def test_a_row_holds_encoded_images_and_null_where_there_is_no_mask() -> None:
    record = records.FaceRecord(
        image=b"jpeg", mask=None, label="real", role="real", family="none", method="none",
        image_id="i", pair_id="i", component_id="c", identity_id="p", parent_ids=(),
        source="s", seed=None,
    )  # fmt: skip
    row = records.to_row(record)
    assert row["image"] == {"bytes": b"jpeg", "path": None}
    assert row["mask"] is None
    assert row["parent_ids"] == []
