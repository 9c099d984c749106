"""Where real photos come from: a table of readers by name."""

from collections.abc import Callable, Iterator

from faceproof.data.sources import orl
from faceproof.data.sources.photos import SourcePhoto

SOURCES: dict[str, Callable[[], Iterator[SourcePhoto]]] = {"orl": orl.read}
