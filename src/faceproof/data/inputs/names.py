"""Names as people and systems spell them: how one in a table finds the file that it means."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

# Headers under which tables of this field state the same thing, the first our own.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "file_name", "filename", "file", "path", "image_path", "img", "name"),
    "label": ("label", "labels", "class", "target", "category"),
    "split": ("split", "set", "subset", "partition", "fold"),
    "identity": (
        "identity_id", "identity", "person_id", "person", "subject_id", "subject", "individual",
        "celebrity", "actor",
    ),
    "component": ("component_id", "component", "group_id", "group"),
}  # fmt: skip


def normalise(name: str) -> str:
    """One spelling of a path: Unicode NFC, forward slashes, no `./`, no spaces around it."""
    text = unicodedata.normalize("NFC", name).replace("\\", "/").strip()
    root = "/" if text.startswith("/") else ""
    return root + "/".join(part for part in text.split("/") if part not in ("", "."))


def fold(name: str) -> str:
    """One spelling of a name that states who or what something is; case says nothing."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


class NameIndex:
    """Finds the file that a name in a table means.

    Names are compared as they are, then in one spelling, then without regard to case, then without
    their ending; each only where one file alone can be meant.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names of the files."""
        listed = list(dict.fromkeys(names))
        self._spellings = [
            (spell, _find_unique(listed, spell))
            for spell in (str, normalise, _fold_path, _drop_ending)
        ]

    def find(self, name: str) -> str | None:
        """The file that is meant; None where there is none, or more than one."""
        for spell, known in self._spellings:
            if (key := spell(name)) in known:
                return known[key]
        return None


def find_column(header: Iterable[str], kind: str) -> str | None:
    """The column of a table that states an image, label, split, identity or component.

    Args:
        header: the table's column names.
        kind: one of those five words.
    """
    spelled = {fold(str(name)).replace(" ", "_").replace("-", "_"): name for name in header}
    return next((spelled[name] for name in _COLUMNS.get(kind, (kind,)) if name in spelled), None)


def list_headers(kind: str) -> str:
    """The headers under which a column is looked for, for messages."""
    return ", ".join(_COLUMNS.get(kind, (kind,)))


def _find_unique(names: Iterable[str], spell: Callable[[str], str]) -> dict[str, str]:
    spelled = {name: spell(name) for name in names}
    counts = Counter(spelled.values())
    return {text: name for name, text in spelled.items() if counts[text] == 1}


def _fold_path(name: str) -> str:
    return normalise(name).casefold()


def _drop_ending(name: str) -> str:
    path = PurePosixPath(_fold_path(name))
    return str(path.with_suffix("")) if path.name else ""
