"""The user's own photos: a folder or a zip.

Photos of one person go into a folder of their own (`photos/anna/1.jpg`). Where all lie in one
folder, or in `real/`, each is a person of its own. Images that the archive calls fake are not real
photos and are left out.
"""

import logging
from collections.abc import Iterator
from pathlib import PurePosixPath

from faceproof.data.archives import ImageFile, open_archive
from faceproof.data.sources.photos import SourcePhoto, SourceRequest, Terms, make_id
from faceproof.errors import ImageError, InputError
from faceproof.records import LABELS
from faceproof.storage import replacing

_SOURCE = "folder"
_TERMS = Terms(licence="for the owner to say", consent="for the owner to answer for")

logger = logging.getLogger(__name__)


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The photos in order of their names; each is copied to the request's folder.

    Unreadable files come as empty ones, so that the build counts them in and drops them by reason.

    Raises:
        InputError: no input, or one without images.
    """
    if request.input is None:
        raise InputError("the source folder needs an input; give --input FOLDER or FILE.zip")
    archive = open_archive(request.input)
    fakes = {name for name, truth in archive.truth.items() if truth.label == "fake"}
    if fakes:
        logger.warning("left out %d images that the archive calls fake", len(fakes))
    photos = [image for image in archive.images if image.name not in fakes]
    is_flat = len({PurePosixPath(image.name).parent for image in photos}) == 1
    for image in photos:
        yield _copy(image, image.name if is_flat else _name_person(image.name), request)


def _copy(image: ImageFile, person: str, request: SourceRequest) -> SourcePhoto:
    image_id = make_id(_SOURCE, image.name)
    path = request.folder / image_id
    try:
        data = image.read()
    except ImageError as error:
        logger.warning("cannot read %s: %s", image.name, error)
        data = b""
    with replacing(path) as partial:
        partial.write_bytes(data)
    return SourcePhoto(image_id, make_id("person", person), path, _SOURCE, _TERMS)


def _name_person(name: str) -> str:
    """The folder just above the photo, unless it only says `real`; else the photo itself."""
    above = PurePosixPath(name).parent
    return name if above.name.lower() in {"", *LABELS} else str(above)
