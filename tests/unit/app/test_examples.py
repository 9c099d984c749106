from pathlib import Path

import numpy as np

from faceproof.app.examples import write_examples
from faceproof.data.images import decode


def test_examples_are_two_photos_and_a_swap_of_each(tmp_path: Path) -> None:
    paths = write_examples(tmp_path / "faces")
    assert [path.name for path in paths] == [
        "photo_1.jpg", "photo_2.jpg", "swap_1.jpg", "swap_2.jpg"
    ]  # fmt: skip
    pixels = [decode(path.read_bytes()).astype(int) for path in paths]
    for photo, fake in zip(pixels[:2], pixels[2:], strict=True):
        changed = np.abs(photo - fake).max(axis=2) > 20
        assert 0.02 < changed.mean() < 0.5  # the inner face, and not the rest
        assert not changed[:5].any()
