"""Every forgery method by name."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faceproof.data import assets
from faceproof.data.assets import find_asset
from faceproof.data.forgery import (
    AUTOENCODER,
    DCGAN,
    GENERATOR,
    SUPER_RESOLUTION,
    blend,
    inpaint,
    reconstruct,
    synthesize,
    warp,
)
from faceproof.data.forgery.forged import Method, Points
from faceproof.data.images import Pixels
from faceproof.data.sources.photos import Terms

_NOBODY = "shows nobody"
_DCGAN_TERMS = Terms("MIT package; terms of its training set unverified", _NOBODY)
_GENERATOR_TERMS = Terms("that of the photos it was trained on", _NOBODY)

_READY: Mapping[str, Method] = {
    "swap": Method(blend.FAMILY, True, blend.swap),
    "part_swap": Method(blend.FAMILY, True, blend.swap_part),
    "cross_blend": Method(blend.FAMILY, True, blend.cross_blend),
    "self_blend": Method(blend.FAMILY, False, blend.self_blend),
    "expression": Method(warp.FAMILY, False, warp.change_expression),
    "morph": Method(warp.FAMILY, True, warp.morph),
    "hole": Method(inpaint.FAMILY, False, inpaint.fill_hole),
}
_ASSETS: Mapping[str, tuple[str, ...]] = {
    SUPER_RESOLUTION: (f"{assets.SUPER_RESOLUTION}.param", f"{assets.SUPER_RESOLUTION}.bin"),
    DCGAN: (assets.DCGAN,),
}
Train = Callable[[Sequence[tuple[Pixels, Points]], int, int, Path, str], None]
TRAININGS: Mapping[str, Train] = {AUTOENCODER: reconstruct.train, GENERATOR: synthesize.train}


def check_weights(names: Sequence[str]) -> None:
    """Refuse methods whose weights are not installed, before any long work.

    Raises:
        DatasetError: with the file that is missing.
    """
    for name in names:
        for asset in _ASSETS.get(name, ()):
            find_asset(asset)


def locate_checkpoint(networks: Path, name: str) -> Path:
    """The checkpoint of a network that the build trains."""
    return networks / f"{name}.safetensors"


def open_methods(names: Sequence[str], networks: Path) -> dict[str, Method]:
    """The methods by name, in the order given.

    Args:
        names: of `NAMES`.
        networks: folder with the checkpoints that the build trained; read only for these methods.

    Raises:
        DatasetError: a network's weights are missing.
    """
    return {name: _READY.get(name) or _open_network(name, networks) for name in names}


def _open_network(name: str, networks: Path) -> Method:
    if name == SUPER_RESOLUTION:
        return Method(reconstruct.FAMILY, False, reconstruct.SuperResolution().forge)
    if name == DCGAN:
        return Method(synthesize.FAMILY, False, synthesize.Dcgan().forge, _DCGAN_TERMS)
    checkpoint = locate_checkpoint(networks, name)
    if name == AUTOENCODER:
        return Method(reconstruct.FAMILY, False, reconstruct.Autoencoder(checkpoint).forge)
    return Method(
        synthesize.FAMILY, False, synthesize.Generator(checkpoint).forge, _GENERATOR_TERMS
    )
