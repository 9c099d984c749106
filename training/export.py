"""Write a trained model as ONNX, in single precision.

    python training/export.py --model build/demo/training

Reads a model folder and writes `onnx/model.onnx` into it, where transformers.js and Optimum look.
"""

from faceproof import console, settings
from faceproof.detector.settings import ExportSettings


def main() -> int:
    """Export it."""
    run = settings.read(ExportSettings, __doc__)

    from faceproof.detector import onnx_export

    path = onnx_export.export(run.model)
    console.say(f"model        {path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    console.run(main)
