import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from question_04.demonstration import hash_images

from faceproof.errors import SettingsError
from faceproof.scale.settings import StreamSettings


def test_every_image_of_the_shards_is_hashed_in_order(tmp_path: Path) -> None:
    for name, images in (("a", [b"one", b"two"]), ("b", [b"three"])):
        rows = [{"image": {"bytes": data, "path": None}} for data in images]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    expected = [hashlib.sha256(data).hexdigest() for data in (b"one", b"two", b"three")]
    assert hash_images([tmp_path / "a", tmp_path / "b"]) == expected


def test_a_median_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="passes is 0"):
        StreamSettings(Path("d"), Path("r"), passes=0)
