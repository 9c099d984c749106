"""Write a trained model as ONNX, in single precision and with 8-bit weights.

    python training/export.py --model build/demo/model

Reads a model folder and writes `onnx/model.onnx` and `onnx/model_quantized.onnx` into it, where
`predict.py --precision int8` and transformers.js look for them.
"""

from faceproof import console, settings
from faceproof.detector.settings import ExportSettings


def main() -> int:
    """Export both."""
    run = settings.read(ExportSettings, __doc__)

    from faceproof.detector import onnx_export

    for path in onnx_export.export(run.model):
        console.say(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    console.run(main)
