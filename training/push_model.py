"""Push a trained model to the Hub: weights, processor, card, and ONNX files for transformers.js.

    python training/push_model.py --repository user/name              # the released detector
    python training/push_model.py --model build/demo/training --repository user/name --dry_run

Reads the model folder and the token of `hf auth login` (or HF_TOKEN). Writes to the Hub only.
"""

import tempfile
from pathlib import Path

from faceproof import console, settings
from faceproof.detector.settings import ModelPush


def main() -> int:
    """Copy aside, export, list, push."""
    run = settings.read(ModelPush, __doc__)

    from faceproof.data import exports
    from faceproof.detector import onnx_export, publishing
    from faceproof.detector.released import require_released
    from faceproof.reports import cards

    with tempfile.TemporaryDirectory() as scratch:
        folder = publishing.copy_model(run.model or require_released(), Path(scratch) / "model")
        if run.model is None:
            (folder / publishing.CARD).write_text(
                cards.render_model_card(run.repository), encoding="utf-8"
            )
        if run.onnx:
            onnx_export.export(folder)
        for line in exports.push(run, folder, publishing.list_files(folder), "model"):
            console.say(line)
    return 0


if __name__ == "__main__":
    console.run(main)
