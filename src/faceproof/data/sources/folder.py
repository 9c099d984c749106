"""The user's own photos: a folder or a zip.

Photos of one person go into a folder of their own (`photos/anna/1.jpg`); see `people`. Images that
the archive calls fake are not real photos and are left out, and where it says what some images are,
those of which it says nothing are left out too.
"""

import logging
from collections.abc import Iterator

from faceproof.data.inputs.archives import Archive, open_archive
from faceproof.data.inputs.labels import LabelReader, describe_unknown, is_fake
from faceproof.data.inputs.people import find_people
from faceproof.data.inputs.walks import ImageFile
from faceproof.data.sources.photos import SourcePhoto, SourceRequest, Terms, keep_file, make_id
from faceproof.errors import ImageError, InputError

_SOURCE = "folder"
_TERMS = Terms(licence="for the owner to say", consent="for the owner to answer for")

logger = logging.getLogger(__name__)


def read(request: SourceRequest) -> Iterator[SourcePhoto]:
    """The photos in order of their names; each is copied to the request's folder.

    Unreadable files come as empty ones, so that the build counts them in and drops them by reason.

    Raises:
        InputError: no input, one without real photos, or folders that do not say who is who.
    """
    if request.input is None:
        raise InputError("the source folder needs an input; give --input FOLDER or FILE.zip")
    archive = open_archive(request.input, request.labels)
    photos = _choose_real(archive, request.labels)
    if not photos:
        raise InputError(f"{request.input} holds no image that it calls real")
    people = find_people([image.name for image in photos], request.labels)
    logger.info("%s", people.describe())
    for image in photos:
        yield _copy(image, people.person_of[image.name], request)


def _choose_real(archive: Archive, labels: LabelReader) -> list[ImageFile]:
    """What the archive calls real; all of it where it says nothing of real and fake.

    Raises:
        InputError: a folder beside one that says real or fake says something that is not known, or
            all folders read like fakes.
    """
    if archive.truth and archive.unknown:
        raise InputError(describe_unknown(archive.unknown))
    fakes = {name for name, truth in archive.truth.items() if is_fake(truth.label)}
    if fakes:
        logger.warning("left out %d images that the archive calls fake", len(fakes))
    if not archive.truth:
        suspects = labels.suspect(image.name for image in archive.images)
        if suspects:
            raise InputError(describe_unknown(suspects))
        return list(archive.images)
    unsaid = sum(image.name not in archive.truth for image in archive.images)
    if unsaid:
        logger.warning("left out %d images that the archive calls neither real nor fake", unsaid)
    return [one for one in archive.images if one.name in archive.truth and one.name not in fakes]


def _copy(image: ImageFile, person: str, request: SourceRequest) -> SourcePhoto:
    image_id = make_id(_SOURCE, image.name)
    try:
        data = image.read()
    except ImageError as error:
        logger.warning("cannot read %s: %s", image.name, error)
        data = b""
    path = keep_file(request.folder, image_id, data)
    return SourcePhoto(image_id, make_id("person", person), path, _SOURCE, _TERMS)
