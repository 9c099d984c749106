"""Who is one person: which folder above a photo names somebody.

Folders that name a split or a label say nothing of a person; those that are a number, a session or
a date do not either, unless there are no others: then they keep photos together that may show the
same person. Of what is left, the folder that differs between photos counts; where more than one
does, the photos are refused rather than divided by a guess. Two folders below every split folder
are refused too: they are more likely classes than people.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from faceproof.data.inputs.labels import LabelReader, quote
from faceproof.data.inputs.names import fold
from faceproof.data.splits import read_split
from faceproof.errors import InputError, name_some

_SESSION = re.compile(
    r"(session|sess|visit|day|week|month|year|take|shot|burst|roll|scene|clip|video|seq|sequence|"
    r"part|batch|camera|cam|jpeg|jpg|png|dcim|album|fold|group|run|"
    r"(train|test|val|dev)([ _.-]?set)?)s?[ _.-]*[0-9]*|"
    r"(session|part|batch|fold|group|set)[ _.-]*[a-z]|[0-9]+(canon|apple|nikon)"
)
_DATE = re.compile(r"[0-9]{1,4}[ ._-][0-9]{1,2}([ ._-][0-9]{1,4})?([ t_-].*)?|(19|20)[0-9]{6}")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class People:
    """The person of each photo, by the photo's name; and where that was taken from, in words."""

    person_of: Mapping[str, str]
    basis: str

    def describe(self) -> str:
        """Counts of people and photos, for a reader."""
        return (
            f"{len(set(self.person_of.values()))} people in {len(self.person_of)} photos, "
            f"{self.basis}"
        )


def find_people(names: Sequence[str], labels: LabelReader | None = None) -> People:
    """The person of each photo, from the folders above it.

    Photos that all lie in folders which name nobody are each a person of their own. Folders of
    plain numbers name people only where no other folder does.

    Args:
        names: paths of the photos, with forward slashes.
        labels: says which folders are classes.

    Raises:
        InputError: photos lie at different depths, two levels of folders could name people, or two
            folders below splits could be classes.
    """
    reader = labels or LabelReader()
    folders = {
        name: [
            part
            for part in PurePosixPath(name).parts[:-1]
            if part not in ("/", "..") and not _is_class(part, reader)
        ]
        for name in names
    }
    for kind, is_kind in _KINDS.items():
        chosen = {name: [one for one in parts if is_kind(one)] for name, parts in folders.items()}
        _refuse_mixed(chosen)
        depth = len(next(iter(chosen.values()), []))
        varying = [level for level in range(depth) if len(_values(chosen, level)) > 1]
        if varying and kind != "sessions":
            _refuse_classes(names, {parts[varying[0]] for parts in chosen.values()})
        if varying:
            return _name_people(chosen, varying, kind)
    return People({name: name for name in names}, "each photo by itself: no folder names anybody")


def _name_people(chosen: Mapping[str, Sequence[str]], varying: Sequence[int], kind: str) -> People:
    level = _choose_level(chosen, varying)
    person_of = {name: fold(parts[level]) for name, parts in chosen.items()}
    some = name_some(sorted({parts[level] for parts in chosen.values()}))
    places = sorted(
        {PurePosixPath(name).parts.index(parts[level]) + 1 for name, parts in chosen.items()}
    )
    where = " or ".join(map(str, places))
    return People(person_of, f"by the {kind} at folder level {where} ({some})")


def _is_class(part: str, labels: LabelReader) -> bool:
    return read_split(part) is not None or labels.read(part) is not None


def _is_name(part: str) -> bool:
    return not _is_number(part) and not _is_session(part)


def _is_number(part: str) -> bool:
    return _NUMBER.fullmatch(part.strip()) is not None and not _DATE.fullmatch(part.strip())


def _is_session(part: str) -> bool:
    text = fold(part)
    return (_SESSION.fullmatch(text) or _DATE.fullmatch(text)) is not None


# What folders may be, from what speaks most clearly of people on.
_KINDS: Mapping[str, Callable[[str], bool]] = {
    "names": _is_name, "numbers": _is_number, "sessions": _is_session
}  # fmt: skip


def _values(chosen: Mapping[str, Sequence[str]], level: int) -> set[str]:
    return {fold(parts[level]) for parts in chosen.values()}


def _refuse_mixed(chosen: Mapping[str, Sequence[str]]) -> None:
    examples: dict[int, str] = {}
    for name, parts in chosen.items():
        examples.setdefault(len(parts), name)
    if len(examples) > 1:
        first, second = (examples[depth] for depth in sorted(examples)[:2])
        raise InputError(
            f"it is not clear which folder names a person: {first} and {second} lie at different "
            "depths; put the photos of each person into one folder, all at the same depth"
        )


def _refuse_classes(names: Sequence[str], chosen: set[str]) -> None:
    """Refuse two names of which both stand directly below every split folder."""
    below: dict[str, set[str]] = {}
    for name in names:
        folders = PurePosixPath(name).parts[:-1]
        for above, part in pairwise(folders):
            if part in chosen and read_split(above) is not None:
                below.setdefault(fold(above), set()).add(fold(part))
    pair = {fold(one) for one in chosen}
    if len(pair) == 2 and below and all(found == pair for found in below.values()):
        first, second = sorted(chosen, key=fold)[0], sorted(chosen, key=fold)[-1]
        raise InputError(
            f"the folders {first} and {second} below {name_some(sorted(below))} could be real and "
            f"fake; say which is which with --labels {quote(first)}=real {quote(second)}=fake, or "
            "take people out of the split folders"
        )


def _choose_level(chosen: Mapping[str, Sequence[str]], varying: Sequence[int]) -> int:
    """The one level that differs between photos.

    Raises:
        InputError: more than one does. A person in two places looks like a place with two people.
    """
    if len(varying) > 1:
        examples = [name_some(sorted(_values(chosen, one))) for one in varying[:2]]
        raise InputError(
            f"two levels of folders could name people: ({examples[0]}) and, below it, "
            f"({examples[1]}); keep one folder for each person"
        )
    return varying[0]
