"""Cards: what the Hub shows of a dataset or model."""

from collections.abc import Mapping
from importlib.metadata import version

from huggingface_hub import EvalResult, ModelCardData

from faceproof.records import DESCRIPTIONS
from faceproof.reports.numbers import Numbers, read_experiments, read_numbers
from faceproof.reports.templates import Values, read_facts, render_template
from faceproof.results import REPOSITORY

# What the released detector is measured on: kinds of fakes, each against all reals.
KINDS: Mapping[str, str] = {
    "auroc": "all",
    "auroc_sg1_ffhq_stylegan": "StyleGAN",
    "auroc_from_sg2_inversions": "StyleGAN2, inversions",
    "auroc_from_omi": "StyleGAN2, one collection",
    "auroc_from_hardfake": "StyleGAN2 off a web service",
    "auroc_from_text_to_image": "text to image (SDXL, FLUX.1, DALL-E 3)",
    "auroc_swap": "face swap",
    "auroc_part_swap": "eyes, nose or mouth swapped",
    "auroc_cross_blend": "blend of two faces",
    "auroc_self_blend": "blend with itself",
    "auroc_expression": "expression changed by a warp",
    "auroc_morph": "morph of two faces",
    "auroc_hole": "part painted over",
    "auroc_autoencoder": "passed through an autoencoder",
}
# And what its verdicts are measured by: the Hub's name of the metric, ours, on which images.
_VERDICTS: Mapping[str, tuple[str, str, str]] = {
    "false_alarms": ("false_positive_rate", "false alarms", "all reals"),
    "false_alarms_sg1_ffhq": ("false_positive_rate", "false alarms", "real web photos"),
    "false_alarms_congress": ("false_positive_rate", "false alarms", "real official portraits"),
    "false_alarms_headshots_cncf": ("false_positive_rate", "false alarms", "real headshots"),
    "coverage": ("coverage", "share that is not unsure", "verdicts"),
    "accuracy_decided": ("accuracy", "accuracy of what is not unsure", "verdicts"),
    "ece": ("ece", "calibration error", "scores"),
}

_LICENCES: dict[str, dict[str, object]] = {
    "orl": {"license": "other", "license_name": "orl-faces-credit-request"},
    "portraits": {"license": "other", "license_name": "public-domain"},
    "collection": {"license": "other", "license_name": "of-the-sets-it-holds"},
    "hub": {"license": "unknown"},  # that of the dataset the photos come from
    "folder": {"license": "unknown"},  # the owner of the photos fills it in before publishing
}


def list_fields(source: str) -> dict[str, object]:
    """The card's fields beside those of the data: name, licence, task, tags."""
    return {
        "pretty_name": "faceproof: faces, real and fake",
        **_LICENCES[source],
        "task_categories": ["image-classification"],
        "tags": ["deepfake-detection", "face-forgery", "image-forensics"],
    }


def render_dataset_card(metadata: str, values: Values) -> str:
    """The dataset card: YAML block and prose.

    Args:
        metadata: the YAML block, without its `---` lines.
        values: of the build's result file.
    """
    return render_template(
        "dataset_builder/card.md.j2", metadata=metadata, build=values, columns=DESCRIPTIONS,
        facts=read_facts(values),
    )  # fmt: skip


def render_zip_readme(values: Values) -> str:
    """The README inside the mini-dataset zip, from the values of the build's result file."""
    return render_template("dataset_builder/mini_zip.md.j2", build=values)


def render_space_card() -> str:
    """The README of the Space, whose YAML block says how it is run; from the tracked results."""
    numbers = read_numbers(REPOSITORY)
    return render_template("training/space_card.md.j2", gradio_version=version("gradio"), **numbers)


def render_model_card(place: str) -> str:
    """The released detector's card, from the tracked results.

    Args:
        place: where its reader has the model: a folder, or `user/name` on the Hub.
    """
    numbers = read_numbers(REPOSITORY)
    return render_template(
        "training/hub_card.md.j2", **numbers, experiments=read_experiments(), kinds=KINDS,
        model_metadata=describe_model(numbers["released"]), place=place,
    )  # fmt: skip


def render_small_card() -> str:
    """The card of the small detector, from the tracked results."""
    numbers = read_numbers(REPOSITORY)
    return render_template(
        "training/small_card.md.j2", **numbers, kinds=KINDS,
        model_metadata=describe_model(numbers["released_small"]),
    )  # fmt: skip


def describe_model(released: Numbers) -> str:
    """The YAML block of the model's card: what the Hub lists, one result for each axis."""
    axes = [(name, "roc_auc", "AUROC", f"fakes: {said}") for name, said in KINDS.items()]
    axes += [(name, *axis) for name, axis in _VERDICTS.items()]
    card = ModelCardData(
        language="en",
        library_name="transformers",
        pipeline_tag="image-classification",
        license="other",
        license_name="non-commercial-research",
        license_link="https://creativecommons.org/licenses/by-nc-sa/4.0/",
        tags=["deepfake-detection", "face-forgery", "image-forensics"],
        metrics=["roc_auc", "accuracy"],
        model_name="faceproof",
        eval_results=[_to_result(released, *axis) for axis in axes],
    )
    return str(card).strip()


def _to_result(released: Numbers, name: str, kind: str, metric: str, images: str) -> EvalResult:
    prefix = f"test_{name}"
    return EvalResult(
        task_type="image-classification",
        dataset_type="imagefolder",
        dataset_name=f"people unseen in training; {images}",
        dataset_config=name,  # without it all axes would become one entry
        dataset_split="test",
        metric_type=kind,
        metric_name=f"{metric} ({released.bounds(prefix)}, n = {released[f'{prefix}_n']})",
        metric_value=released[prefix],
    )
