"""What a build keeps, drops and cuts into shards."""

import pyarrow as pa
import pytest

from faceproof.scale import builds
from faceproof.scale.builds import drop_duplicates


def examined(*rows: tuple[str, str | None, str | None, str | None]) -> pa.Table:
    names, hashes, labels, reasons = zip(*rows, strict=True)
    return pa.table(
        {
            "name": names, "sha256": pa.array(hashes, pa.string()),
            "reason": pa.array(reasons, pa.string()), "label": pa.array(labels, pa.string()),
        }
    )  # fmt: skip


def test_copies_are_dropped_and_contradictions_wholly() -> None:
    kept, counts = drop_duplicates(
        examined(
            ("b", "x", "real", None), ("a", "x", "real", None), ("c", "y", "fake", None),
            ("d", "y", "real", None), ("e", None, "real", "damaged"), ("f", "z", None, None),
        )
    )  # fmt: skip
    assert kept["name"].to_pylist() == ["a", "f"]
    assert counts == {"seen": 6, "kept": 2, "same_bytes": 1, "two_labels": 2, "damaged": 1}


def test_shards_end_after_so_many_images_or_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "_SHARD_BYTES", 100)
    assert builds._cut([10] * 7, 3) == [0, 3, 6]
    assert builds._cut([60, 60, 30, 500, 1], 9) == [0, 1, 3, 4]
