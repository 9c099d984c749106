"""Every forgery method by name."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from faceproof.data import assets
from faceproof.data.assets import find_asset
from faceproof.data.forgery import blend, inpaint, reconstruct, regenerate, synthesize, warp
from faceproof.data.forgery.forged import Method, Points
from faceproof.data.forgery.names import AUTOENCODER, DCGAN, GENERATOR, SUPER_RESOLUTION
from faceproof.data.images import Pixels
from faceproof.data.sources.photos import Terms

_NOBODY = "shows nobody"

_READY: Mapping[str, Method] = {
    "swap": Method(blend.FAMILY, True, blend.swap),
    "part_swap": Method(blend.FAMILY, True, blend.swap_part),
    "cross_blend": Method(blend.FAMILY, True, blend.cross_blend),
    "self_blend": Method(blend.FAMILY, False, blend.self_blend),
    "expression": Method(warp.FAMILY, False, warp.change_expression),
    "morph": Method(warp.FAMILY, True, warp.morph),
    "hole": Method(inpaint.FAMILY, False, inpaint.fill_hole),
}


def _open_autoencoder(networks: Path) -> Method:
    return Method(
        reconstruct.FAMILY,
        False,
        reconstruct.Autoencoder(locate_checkpoint(networks, AUTOENCODER)).forge,
    )


def _open_super_resolution(networks: Path) -> Method:
    return Method(reconstruct.FAMILY, False, regenerate.SuperResolution().forge)


def _open_dcgan(networks: Path) -> Method:
    terms = Terms(licence="MIT package; terms of its training set unverified", consent=_NOBODY)
    return Method(synthesize.FAMILY, False, synthesize.Dcgan().forge, terms)


def _open_generator(networks: Path) -> Method:
    terms = Terms(licence="that of the photos it was trained on", consent=_NOBODY)
    forge = synthesize.Generator(locate_checkpoint(networks, GENERATOR)).forge
    return Method(synthesize.FAMILY, False, forge, terms)


_NETWORKS: Mapping[str, Callable[[Path], Method]] = {
    AUTOENCODER: _open_autoencoder,
    SUPER_RESOLUTION: _open_super_resolution,
    DCGAN: _open_dcgan,
    GENERATOR: _open_generator,
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
    return {name: _READY[name] if name in _READY else _NETWORKS[name](networks) for name in names}
