"""Every forgery method by name."""

from collections.abc import Sequence
from pathlib import Path

from faceproof.data.forgery import blend, inpaint, reconstruct, warp
from faceproof.data.forgery.forged import Method
from faceproof.errors import SettingsError

AUTOENCODER = "autoencoder"

_READY = {
    "swap": Method(blend.FAMILY, True, blend.swap),
    "part_swap": Method(blend.FAMILY, True, blend.swap_part),
    "cross_blend": Method(blend.FAMILY, True, blend.cross_blend),
    "self_blend": Method(blend.FAMILY, False, blend.self_blend),
    "expression": Method(warp.FAMILY, False, warp.change_expression),
    "morph": Method(warp.FAMILY, True, warp.morph),
    "hole": Method(inpaint.FAMILY, False, inpaint.fill_hole),
}
NAMES = (*_READY, AUTOENCODER)


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


def open_methods(names: Sequence[str], checkpoint: Path) -> dict[str, Method]:
    """The methods by name, in the order given.

    Args:
        names: of `NAMES`.
        checkpoint: of the trained autoencoder; read only if it is among them.
    """
    return {
        name: Method(reconstruct.FAMILY, False, reconstruct.Autoencoder(checkpoint).forge)
        if name == AUTOENCODER
        else _READY[name]
        for name in names
    }
