"""Low-rank adapters merged into their base: a plain network that stock classes open."""

from pathlib import Path

from peft import PeftModel

from faceproof.detector.calibration import Decision
from faceproof.detector.clip import make_processor, open_clip
from faceproof.detector.models import save_model
from faceproof.detector.settings import KINDS


def merge_adapters(adapters: Path, decision: Decision, folder: Path) -> None:
    """Write CLIP with the adapters of a folder merged in, in half precision.

    Raises:
        DatasetError: CLIP's weights are not installed.

    Source: LoRA (Hu et al. 2022), by the package peft.
    """
    save_merged(PeftModel.from_pretrained(open_clip(KINDS), str(adapters)), decision, folder)


def save_merged(adapted: PeftModel, decision: Decision, folder: Path) -> None:
    """Merge the adapters of a network into it, and write it as `models.save_model` does."""
    merged = adapted.merge_and_unload()
    save_model(merged.cpu().eval(), make_processor(), decision, folder, "fp16")
