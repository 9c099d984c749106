"""What a label means: the one place that reads the words `real` and `fake`, whoever wrote them.

A word is read without regard to case, spaces, separators and numbers, and without the words that
datasets put around it: `0_real`, `training_fake`, `Real Faces` and `deepfakes` are known. A name
that holds words of both kinds, or any word that is not known, says nothing: a label is refused or
left out, never guessed.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from faceproof.data.splits import read_split
from faceproof.errors import InputError, name_some
from faceproof.records import FAKE, LABELS, Label

LABELS_HELP = "what labels mean that are not known: `real,fake` for 0 and 1, or `word=fake ...`"
_REAL, _FAKE = LABELS

# Words of face-forgery datasets and of the cards of detectors. The weak ones are also names of
# people, of places or of versions of a file: as a folder, one counts only beside its opposite.
_STRONG: Mapping[Label, tuple[str, ...]] = {
    "real": ("real", "reals", "authentic", "genuine", "bonafide", "pristine"),
    "fake": (
        "fake", "fakes", "faked", "deepfake", "deepfakes", "deepfaked", "faceswap", "faceswaps",
        "face2face", "faceshifter", "neuraltextures", "manipulated", "manipulation",
        "manipulations",
        "forged", "forgery", "forgeries", "tampered", "synthetic", "synthesized", "synthesised",
        "synthesis", "generated", "aigenerated", "spoof", "spoofed", "spoofs",
    ),
}  # fmt: skip
_WEAK: Mapping[Label, tuple[str, ...]] = {
    "real": ("original", "originals", "human", "humans", "natural", "nature", "live", "untouched"),
    "fake": (
        "ai", "artificial", "altered", "swapped", "swap", "swaps", "morph", "morphs", "morphed",
        "gan", "gans", "diffusion", "attack", "attacks",
    ),
}  # fmt: skip
_AROUND = (
    "training", "train", "testing", "test", "validation", "valid", "val", "dev", "eval", "faces",
    "face", "images", "image", "imgs", "img", "photos", "photo", "pictures", "picture", "pics",
    "pic", "videos", "video", "sequences", "sequence", "frames", "frame", "class", "label",
    "data", "dataset", "set", "samples", "sample", "people", "celeb", "youtube",
)  # fmt: skip


def _compile(words: Iterable[str]) -> re.Pattern[str]:
    """One or more of some words, with numbers and the usual words around them."""
    around = rf"(?:{'|'.join(_AROUND)}|[0-9])*"
    return re.compile(rf"{around}(?:(?:{'|'.join(words)}){around})+")


_NUMBER = re.compile(r"\+?(-?[0-9]+)(?:\.0*)?|[+-]?[0-9]+\.[0-9]+")
_Place = tuple[str, ...]  # folders from the outermost on

_PATTERNS = {label: _compile((*_STRONG[label], *_WEAK[label])) for label in LABELS}
_STRONG_PATTERNS = {label: _compile(_STRONG[label]) for label in LABELS}
_WORDS = {word: label for table in (_STRONG, _WEAK) for label in LABELS for word in table[label]}


@dataclass(frozen=True)
class LabelReader:
    """Reads labels: the user's own words first (`--labels`), then the words that are known."""

    own: Mapping[str, Label] = field(default_factory=dict)

    def read(self, value: object) -> Label | None:
        """What one cell, class name or folder name means; None where that is not known."""
        text = _clean(value)
        return self.own.get(text) or _match(text, _PATTERNS)

    def suspect(self, names: Iterable[str]) -> tuple[str, ...]:
        """Folders that read like fake, where every image lies in one and no label is known of any.

        A weak word, such as `altered`, says nothing by itself; where it is all that there is, it is
        more likely a label than a person.
        """
        found = [
            [part for part in _list_folders(name) if self.read(part) == _FAKE] for name in names
        ]
        return tuple(sorted({one for parts in found for one in parts})) if all(found) else ()

    def read_classes(self, names: Sequence[str], where: str) -> tuple[Label, ...]:
        """What each class of a ClassLabel means, by code.

        Raises:
            InputError: a class is not known.
        """
        found = [self.read(name) for name in names]
        unknown = [name for name, label in zip(names, found, strict=True) if label is None]
        if unknown:
            raise InputError(
                f"{where} has the classes {', '.join(names)}; say what {' and '.join(unknown)} "
                f"mean, such as --labels {' '.join(f'{quote(name)}=fake' for name in unknown)}"
            )
        return tuple(one for one in found if one is not None)

    def read_values(
        self, values: Sequence[object], names: Sequence[str] | None, where: str
    ) -> list[Label | None]:
        """What the cells of a column mean; None where a label is hidden (-1, null, no text).

        Args:
            values: class codes, texts or booleans.
            names: of the classes, where the column states them.
            where: for messages.

        Raises:
            InputError: numbers or booleans without names, or a word that is not known.
        """
        read = self.reader_of(names, where)
        return [None if is_hidden(value) else read(value) for value in values]

    def reader_of(self, names: Sequence[str] | None, where: str) -> Callable[[object], Label]:
        """A function that reads one stated cell of a column; it raises InputError like the rest."""
        classes = None if not names else self.read_classes(names, where)

        def read(value: object) -> Label:
            if classes is not None and isinstance(value, int) and 0 <= value < len(classes):
                return classes[int(value)]
            label = self.read(value)
            if label is None:
                raise InputError(f"{where} has the label {value!r}; {_advise(value)}")
            return label

        return read

    def read_folders(self, names: Iterable[str]) -> "FolderLabels":
        """What the folders above images say of them.

        The nearest folder that says something counts; a folder that says real below one that says
        fake says nothing. A word that may also be a name counts only where a folder beside it says
        the opposite.

        Args:
            names: paths with forward slashes.
        """
        listed = list(names)
        folders: dict[_Place, set[str]] = {}
        for name in listed:
            parts = _list_folders(name)
            for depth, part in enumerate(parts):
                folders.setdefault(parts[:depth], set()).add(part)
        known = {
            (*parent, part): label
            for parent, beside in folders.items()
            for part, label in self._read_beside(beside).items()
        }
        labels = {name: label for name in listed if (label := _nearest(name, known)) is not None}
        return FolderLabels(labels, _find_unknown(listed, known, labels))

    def _read_beside(self, parts: Iterable[str]) -> dict[str, Label]:
        read = {part: label for part in parts if (label := self.read(part)) is not None}
        said = set(read.values())
        return {
            part: label for part, label in read.items()
            if len(said) > 1 or _clean(part) in self.own or _match(_clean(part), _STRONG_PATTERNS)
        }  # fmt: skip


@dataclass(frozen=True)
class FolderLabels:
    """Labels by image name; and folders that may be classes, but whose names are not known."""

    labels: Mapping[str, Label]
    unknown: tuple[str, ...]


def parse_labels(entries: Sequence[str]) -> LabelReader:
    """The reader that `--labels` asks for: `real,fake` for the codes 0 and 1, or `word=fake ...`.

    Raises:
        InputError: an entry that says neither, or says of one word both.
    """
    own: dict[str, Label] = {}
    for entry in entries:
        word, is_pair, meaning = entry.rpartition("=")
        meanings = [LabelReader().read(one) for one in meaning.split(",")]
        if None in meanings or bool(is_pair) != (len(meanings) == 1):
            raise InputError(
                f"--labels {entry} says nothing; give real,fake (what 0 and 1 mean) or word=fake"
            )
        words = [word] if is_pair else [str(code) for code in range(len(meanings))]
        for one, label in zip(words, meanings, strict=True):
            spelled = _clean(one)
            if not spelled or label is None or own.get(spelled, label) != label:
                raise InputError(f"--labels {entry}: {one!r} says nothing, or two things")
            own[spelled] = label
        if not is_pair:  # a boolean says it like a number
            own |= {
                name: label
                for name, label in zip(("false", "true"), meanings, strict=False)
                if label
            }
    return LabelReader(own)


def code_of(label: Label) -> int:
    """The number of a label: 0 real, 1 fake."""
    return LABELS.index(label)


def guess_label(text: str) -> Label | None:
    """What a phrase is likely to mean, such as a class name of somebody's model.

    Unlike `LabelReader.read`, it passes over words that are not known; a phrase with words of both
    kinds, or with a negation, still says nothing.
    """
    words = re.findall(r"[a-z0-9]+", text.lower())
    if {"not", "no", "non", "un"} & set(words):
        return None
    found = {_WORDS[word] for word in words if word in _WORDS}
    return found.pop() if len(found) == 1 else LabelReader().read(text)


def is_same(first: str, second: str) -> bool:
    """True for two spellings of one class name."""
    return _clean(first) == _clean(second)


def is_fake(label: Label | None) -> bool:
    """True for fake; an unknown label is not."""
    return label == _FAKE


def is_hidden(value: object) -> bool:
    """True for a cell that states no label: null, -1, not a number, or no text."""
    if isinstance(value, str):
        return not value.strip() or _clean(value) == "-1"
    return value is None or value == -1 or value != value  # noqa: PLR0124  # not a number


def _match(text: str, patterns: Mapping[Label, re.Pattern[str]]) -> Label | None:
    found = [label for label, pattern in patterns.items() if pattern.fullmatch(text)]
    return found[0] if len(found) == 1 else None


def _clean(value: object) -> str:
    """Lower case, letters and digits alone; of a number all, for -1 is not 1, but 1.0 is."""
    text = str(value).strip().lower()
    if number := _NUMBER.fullmatch(text):
        return number[1] or text
    return "".join(one for one in text if one.isalnum())


def quote(name: str) -> str:
    """A word as a shell takes it."""
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"


def _advise(value: object) -> str:
    if isinstance(value, bool | int | float):
        return "numbers alone say nothing: give --labels real,fake if 0 means real and 1 fake"
    return f"use real or fake, or say what it means with --labels {quote(str(value))}=fake"


def _list_folders(name: str) -> _Place:
    return PurePosixPath(name).parts[:-1]


def _nearest(name: str, known: Mapping[_Place, Label]) -> Label | None:
    parts = _list_folders(name)
    places = (parts[:depth] for depth in range(len(parts), 0, -1))
    said = [known[place] for place in places if place in known]
    if not said or (said[0] == _REAL and _FAKE in said):
        return None
    return said[0]


def _find_unknown(
    names: Sequence[str], known: Mapping[_Place, Label], labels: Mapping[str, Label]
) -> tuple[str, ...]:
    """Folders that stand where classes would: beside a known one, or the only two there are.

    The same two below every split folder are the only two, too.
    """
    beside = {place[:-1] for place in known}
    folders = {_list_folders(name) for name in names if name not in labels} - {()}
    strays = sorted("/".join(one) for one in folders if one[:-1] in beside or known.get(one))
    if strays or known:
        return tuple(strays)
    tops = {_list_folders(name) for name in names}
    if any(not one or read_split(one[-1]) for one in tops):
        return ()
    are_classes = len(tops) == 2 or _are_pairs_of_splits(tops)
    return tuple(sorted("/".join(one) for one in tops)) if are_classes else ()


def _are_pairs_of_splits(places: Iterable[_Place]) -> bool:
    below: dict[_Place, set[str]] = {}
    for place in places:
        below.setdefault(place[:-1], set()).add(place[-1])
    pair = next(iter(below.values()), set())
    return (
        len(pair) == 2
        and all(found == pair for found in below.values())
        and all(parent and read_split(parent[-1]) for parent in below)
    )


def describe_unknown(folders: Sequence[str]) -> str:
    """A sentence about folders whose names are not known."""
    first = quote(PurePosixPath(folders[0]).name)
    return (
        f"the folders {name_some(list(folders))} say nothing of real or fake that is known; if "
        f"they do, say so with --labels {first}=fake"
    )


assert LABELS[FAKE] == _FAKE
