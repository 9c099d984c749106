"""The ways we refuse: every error a user can cause, each one sentence (what, where, what to do)."""

from collections.abc import Sequence

_NAMED = 5  # in a message; the rest are counted


def name_some(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


class FaceProofError(Exception):
    """Something the user can put right; scripts print it on one line and exit with code 1."""


class SettingsError(FaceProofError):
    """A recipe or an argument does not make sense."""


class InputError(FaceProofError):
    """A file or folder given by the user cannot be used at all."""


class ImageError(FaceProofError):
    """One image cannot be used; `code` is the short reason that is counted and reported."""

    def __init__(self, code: str, detail: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(f"{code}: {detail}")
        self.code = code


class DatasetError(FaceProofError):
    """A dataset folder is missing, half-built, leaking, or not the one its card describes."""


class ModelError(FaceProofError):
    """A folder or Hub id holds no usable classifier."""


class StorageError(FaceProofError):
    """An object store refused, or does not hold what was asked for."""


class MissingError(StorageError):
    """An object store does not hold an object."""


class MetricError(FaceProofError):
    """A number was asked for that these labels cannot give."""
