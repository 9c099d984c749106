from pathlib import Path

import pytest

from faceproof.data import shards
from faceproof.errors import SettingsError
from faceproof.scale.streaming import StreamSettings, hash_images


def test_every_image_of_the_shards_is_hashed_in_order(dataset: Path) -> None:
    files = shards.list_shards(dataset)
    hashes = hash_images(files)
    assert len(hashes) == 1600
    assert hashes[:3] == hash_images(files[:1])[:3]


def test_a_median_of_nothing_is_refused() -> None:
    with pytest.raises(SettingsError, match="passes is 0"):
        StreamSettings(Path("d"), Path("r"), passes=0)
