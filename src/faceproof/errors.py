"""The ways we refuse: every error a user can cause, each one sentence (what, where, what to do)."""


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


class MetricError(FaceProofError):
    """A number was asked for that these labels cannot give."""
