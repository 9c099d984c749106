from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, Features, Value

from faceproof.data.sources import hub
from faceproof.data.sources.photos import SourceRequest


@pytest.mark.parametrize(
    ("kind", "wanted", "reals"),
    [
        (ClassLabel(names=["1", "2"]), "1", [0]),  # the name says it, not the code
        (ClassLabel(names=["1", "0"]), "1", [0]),
        (ClassLabel(names=["a", "b"]), "1", [1]),
        (Value("int64"), "1", [1]),
        (Value("int64"), "-1", [-1]),
    ],
)
def test_one_class_is_real(tmp_path: Path, kind: Any, wanted: str, reals: list[int]) -> None:
    codes = [0, 1] if isinstance(kind, ClassLabel) else [-1, 0, 1]
    rows = Dataset.from_dict({"y": codes}, features=Features({"y": kind})).to_iterable_dataset()
    mapping: Mapping[str, str] = {"label": "y", "real": wanted}
    is_real = hub._find_reals(rows, mapping, SourceRequest(None, tmp_path), "user/faces")
    assert [code for code in codes if is_real({"y": code})] == reals
