"""Question 1e: the zip that lies in the repository."""

import csv
import hashlib
import io
import zipfile
from collections import Counter

from tests.conftest import REPOSITORY

from faceproof.data.images import decode

PLACE = REPOSITORY / "question_01/mini_dataset.zip"


def test_it_holds_a_small_dataset_of_orl_photos_with_credit() -> None:
    assert PLACE.stat().st_size < 3_000_000
    with zipfile.ZipFile(PLACE) as archive:
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("metadata.csv"), "utf-8")))
        assert "AT&T Laboratories Cambridge" in archive.read("README.md").decode()
        for row in rows:
            assert decode(archive.read(row["image"])).shape[2] == 3
    assert Counter(row["role"] for row in rows) == {"real": 40, "sham": 40, "fake": 80}
    assert {row["source"] for row in rows} == {"orl"}
    people = [row["identity_id"] for row in rows if row["role"] == "real"]
    assert len(set(people)) == 40


def test_its_checksums_hold() -> None:
    with zipfile.ZipFile(PLACE) as archive:
        for line in archive.read("SHA256SUMS").decode().splitlines():
            digest, name = line.split(maxsplit=1)
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
