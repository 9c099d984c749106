"""Where real photos come from: a table of readers by name."""

from collections.abc import Callable, Iterator

from faceproof.data.sources import collection, folder, hub, orl, portraits
from faceproof.data.sources.photos import SourcePhoto, SourceRequest

SOURCES: dict[str, Callable[[SourceRequest], Iterator[SourcePhoto]]] = {
    "collection": collection.read,
    "folder": folder.read,
    "hub": hub.read,
    "orl": orl.read,
    "portraits": portraits.read,
}
