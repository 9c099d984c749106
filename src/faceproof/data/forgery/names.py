"""The names of the forgery methods, for what is light: settings, figures, tests of an option."""

from collections.abc import Sequence

from faceproof.errors import SettingsError

# What needs no weights, then the networks.
READY = ("swap", "part_swap", "cross_blend", "self_blend", "expression", "morph", "hole")
AUTOENCODER = "autoencoder"
SUPER_RESOLUTION = "super_resolution"
DCGAN = "dcgan"
GENERATOR = "generator"
NAMES = (*READY, AUTOENCODER, SUPER_RESOLUTION, DCGAN, GENERATOR)


def check_names(names: Sequence[str]) -> None:
    """Refuse names that are no methods, doubled, or none at all.

    Raises:
        SettingsError: with the names that are known.
    """
    unknown = sorted(set(names) - set(NAMES))
    if unknown or not names or len(set(names)) < len(names):
        raise SettingsError(
            f"methods are {', '.join(names) or 'none'}; give each once, of {', '.join(NAMES)}"
        )
