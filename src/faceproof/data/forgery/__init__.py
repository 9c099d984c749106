"""Ways to make a fake from real photos, each with the sham that leaves the manipulation out.

Their names are here, where settings can read them without the networks.
"""

from collections.abc import Sequence

from faceproof.errors import SettingsError

READY = ("swap", "part_swap", "cross_blend", "self_blend", "expression", "morph", "hole")
AUTOENCODER, SUPER_RESOLUTION = "autoencoder", "super_resolution"
DCGAN, GENERATOR = "dcgan", "generator"
NAMES = (*READY, AUTOENCODER, SUPER_RESOLUTION, DCGAN, GENERATOR)


def check_names(names: Sequence[str]) -> None:
    """Refuse names that are no methods, doubled, or none at all.

    Raises:
        SettingsError: with the names that are known.
    """
    if set(names) - set(NAMES) or not names or len(set(names)) < len(names):
        raise SettingsError(
            f"methods are {', '.join(names) or 'none'}; give each once, of {', '.join(NAMES)}"
        )
