"""Low-rank adapters merged into their base: a plain network that stock classes open."""

from collections.abc import Mapping
from pathlib import Path

from peft import PeftModel

from faceproof.detector.calibration import Decision
from faceproof.detector.clip import make_processor, open_clip
from faceproof.detector.models import save_model
from faceproof.detector.released import MADE_FROM, Stored
from faceproof.detector.settings import KINDS


def merge_adapters(
    adapters: Path, stored: Stored, folder: Path, made_from: Mapping[str, str]
) -> None:
    """Write CLIP with the adapters of a folder merged in, in half precision.

    Args:
        adapters: folder with what peft saved.
        stored: what lies beside them.
        folder: to write; a model of ours there is replaced.
        made_from: what the network's configuration is to say of its parts.

    Raises:
        DatasetError: CLIP's weights are not installed.

    Source: LoRA (Hu et al. 2022), by the package peft.
    """
    base = open_clip(KINDS, stored.blocks)
    setattr(base.config, MADE_FROM, dict(made_from))
    save_merged(PeftModel.from_pretrained(base, str(adapters)), stored.decision, folder)


def save_merged(adapted: PeftModel, decision: Decision, folder: Path) -> None:
    """Merge the adapters of a network into it, and write it as `models.save_model` does."""
    merged = adapted.merge_and_unload()
    save_model(merged.cpu().eval(), make_processor(), decision, folder, "fp16")
