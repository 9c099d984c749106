"""Low-rank adapters in a frozen network: a small part learns, the rest stays as it was pretrained.

The last layer starts from a linear fit on frozen features, and the blocks move from there in small
steps: a network that starts from a layer of zeros forgets what it knew of faces nobody showed it
(Kumar et al. 2022). A batch holds altered faces together with the photos they were made from, so
that neither a person nor a source tells the label.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from peft import LoraConfig, PeftModel, get_peft_model
from scipy.special import softmax
from torch import Tensor, nn
from transformers import CLIPForImageClassification, get_cosine_schedule_with_warmup
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.console import progress
from faceproof.detector.calibration import Decision
from faceproof.detector.clip import make_processor, open_clip
from faceproof.detector.preprocessing import side_of
from faceproof.detector.released import DECISION, Stored, describe_stored
from faceproof.detector.settings import KINDS
from faceproof.metrics import Rows
from faceproof.storage import replacing_folder
from faceproof.training.views import Views

REAL, GENERATED, ALTERED = range(3)
_LAYERS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
_WARM_UP_SHARE = 0.05


@dataclass(frozen=True)
class TuneSettings:
    """How the adapters learn."""

    steps: int
    batch: int
    rank: int = 16
    first_block: int = 0  # the blocks before it stay as they are
    learning_rate: float = 2e-4
    weight_decay: float = 0.01
    label_smoothing: float = 0.02
    dropout: float = 0.1  # of the adapters' inputs
    decay: float = 0.98  # of the running mean of weights
    seed: int = 0


@dataclass(frozen=True)
class Pool:
    """What is trained on.

    `views`: (N, V, side, side, 3) uint8 RGB 0-255. `kinds`: 0 real, 1 generated, 2 altered, shape
    (N,). `cells`: what is drawn evenly within a kind, shape (N,): the source of a real, the set of
    a generated face, the method of an altered one. `pairs`: the photo that an image was made from,
    shape (N,).
    """

    views: Views | Tensor
    kinds: NDArray[np.int64]
    cells: NDArray[np.str_]
    pairs: NDArray[np.str_]


def draw_batches(pool: Pool, settings: TuneSettings) -> Iterator[Rows]:
    """Positions of each step, shape (batch,): half real, a quarter generated, a quarter altered.

    Kinds and cells are drawn evenly. For each altered face its photo, or a control of it, is among
    the reals; the other reals are drawn evenly from all sources. A kind that is not there leaves
    its place to the reals.
    """
    rng = np.random.default_rng(settings.seed)
    members = [np.flatnonzero(pool.kinds == kind) for kind in (REAL, GENERATED, ALTERED)]
    cells = [list(_group(rows, pool.cells).values()) for rows in members]
    photos = _group(members[REAL], pool.pairs)
    quarter = settings.batch // 4
    for _ in range(settings.steps):
        altered = _draw(cells[ALTERED], quarter, rng)
        generated = _draw(cells[GENERATED], quarter, rng)
        twins = [int(rng.choice(photos[name])) for name in pool.pairs[altered] if name in photos]
        rest = settings.batch - len(altered) - len(generated) - len(twins)
        others = _draw(cells[REAL], rest, rng)
        yield np.concatenate([altered, generated, np.array(twins, np.int64), others])


def _group(rows: Rows, names: NDArray[np.str_]) -> dict[str, Rows]:
    if not len(rows):
        return {}
    order = rows[np.argsort(names[rows], kind="stable")]
    found, starts = np.unique(names[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, starts[1:]), strict=True))


def _draw(cells: list[Rows], count: int, rng: np.random.Generator) -> Rows:
    if not cells:
        return np.zeros(0, np.int64)
    chosen = rng.integers(len(cells), size=count)
    return np.array([rng.choice(cells[cell]) for cell in chosen], np.int64)


def add_adapters(model: CLIPForImageClassification, settings: TuneSettings) -> PeftModel:
    """The network with trainable adapters and a trainable last layer; all else is frozen."""
    blocks = range(settings.first_block, model.config.vision_config.num_hidden_layers)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.rank,
        lora_dropout=settings.dropout,
        target_modules=[
            f"layers.{block}.{group}.{layer}"
            for block in blocks
            for layer in _LAYERS
            for group in (["mlp"] if layer.startswith("fc") else ["self_attn"])
        ],
        modules_to_save=["classifier"],
    )
    return get_peft_model(model, config)


def open_network(
    blocks: int, device: torch.device
) -> tuple[CLIPForImageClassification, "Normaliser"]:
    """CLIP with a fresh layer for the three labels, and what makes its inputs.

    Args:
        blocks: that are kept, the first 1 to 12.
        device: to compute on.
    """
    return open_clip(KINDS, blocks).to(device), make_normaliser(make_processor(), device)


def make_normaliser(processor: BaseImageProcessor, device: torch.device) -> "Normaliser":
    """What a processor does to pictures, on a device."""
    return Normaliser(processor.image_mean, processor.image_std, device, side_of(processor))


class Normaliser:
    """Pictures as the network takes them, on its device."""

    def __init__(
        self,
        mean: list[float],
        deviation: list[float],
        device: torch.device,
        side_pixels: int | None = None,
    ) -> None:
        """Keep the processor's constants, and its side if pictures are to be resized."""
        self._side = side_pixels
        self._mean, self._deviation = (
            torch.tensor(value, device=device).view(1, 3, 1, 1) * 255 for value in (mean, deviation)
        )

    def __call__(self, pixels: NDArray[np.uint8] | Tensor) -> Tensor:
        """From (N, H, W, 3) uint8 RGB to (N, 3, H, W) float32."""
        values = torch.as_tensor(pixels).to(self._mean.device).permute(0, 3, 1, 2).float()
        if self._side not in (None, values.shape[-1]):
            values = nn.functional.interpolate(
                values, (self._side, self._side), mode="bicubic", antialias=True
            )
        return (values - self._mean) / self._deviation


def tune(
    model: nn.Module, pool: Pool, settings: TuneSettings, normalise: Normaliser,
    taught: NDArray[np.float32] | None = None,
) -> list[float]:  # fmt: skip
    """Train what is trainable in place; at the end the network holds the running mean of it.

    Args:
        model: a classifier, such as `add_adapters` gives.
        pool: the images to learn from.
        settings: how.
        normalise: to the network's inputs.
        taught: probabilities of another network to learn in place of the labels, (N, V, labels).

    Returns:
        The loss of every step.
    """
    rng = np.random.default_rng([settings.seed, 1])
    learned = [value for value in model.parameters() if value.requires_grad]
    means = [value.detach().clone() for value in learned]
    optimiser = torch.optim.AdamW(
        learned, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = get_cosine_schedule_with_warmup(
        optimiser, round(_WARM_UP_SHARE * settings.steps), settings.steps
    )
    measure = nn.CrossEntropyLoss(label_smoothing=settings.label_smoothing)
    torch.manual_seed(settings.seed)
    model.train()
    losses = []
    drawn = draw_batches(pool, settings)
    for chosen in progress(drawn, "tuning", "steps", settings.steps):
        shown = rng.integers(pool.views.shape[1], size=len(chosen))
        values = normalise(_pick(pool.views, chosen, shown))
        goal = pool.kinds[chosen] if taught is None else taught[chosen, shown]
        wanted = torch.as_tensor(goal, device=values.device)
        with torch.autocast(values.device.type, torch.bfloat16):
            logits = model(pixel_values=values).logits
        loss = measure(logits.float(), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        torch._foreach_lerp_(means, [value.detach() for value in learned], 1 - settings.decay)
        losses.append(loss.detach())
    with torch.no_grad():
        for value, mean in zip(learned, means, strict=True):
            value.copy_(mean)
    model.eval()
    return torch.stack(losses).tolist()


def _pick(views: Views | Tensor, rows: Rows, shown: Rows) -> NDArray[np.uint8] | Tensor:
    if isinstance(views, Tensor):
        return views[torch.as_tensor(rows), torch.as_tensor(shown)]
    return np.stack([views[row, view] for row, view in zip(rows, shown, strict=True)])


def save_adapters(model: PeftModel, decision: Decision, folder: Path) -> None:
    """Write the adapters in half precision, and the decision with the hash of their base."""
    with replacing_folder(folder) as partial:
        model.half().save_pretrained(str(partial))
        blocks = model.config.vision_config.num_hidden_layers
        (partial / DECISION).write_text(describe_stored(Stored(decision, blocks)))
        (partial / "README.md").unlink()  # peft's own card, which says nothing


@torch.inference_mode()
def compute_logits(
    model: nn.Module, views: Views | Tensor, normalise: Normaliser, batch: int = 256, view: int = 0
) -> NDArray[np.float32]:
    """Logits of one view of every image, (N, 3)."""
    parts = []
    for start in progress(
        range(0, len(views), batch), "scoring", "batches", -(-len(views) // batch)
    ):
        values = normalise(views[start : start + batch, view])
        with torch.autocast(values.device.type, torch.bfloat16):
            parts.append(model(pixel_values=values).logits.float().cpu().numpy())
    return np.concatenate(parts)


def compute_shares(
    model: nn.Module, views: Views | Tensor, normalise: Normaliser
) -> NDArray[np.float32]:
    """Probabilities of every view of every image, (N, V, labels)."""
    shares = [
        softmax(compute_logits(model, views, normalise, view=view), axis=1)
        for view in range(views.shape[1])
    ]
    return np.stack(shares, axis=1)
