"""The Trainer's metrics, through the local `evaluate` metric."""

from collections.abc import Callable
from pathlib import Path

import evaluate
import numpy as np
from transformers import EvalPrediction

from faceproof.learning.decisions import to_margins, to_scores

Scorer = Callable[[EvalPrediction], dict[str, float]]


def make_scorer(metric_script: Path) -> Scorer:
    """The Trainer's `compute_metrics`: what the metric says of the validation images."""
    metric = evaluate.load(str(metric_script), keep_in_memory=True)

    def score(outputs: EvalPrediction) -> dict[str, float]:
        scores = to_scores(to_margins(np.asarray(outputs.predictions)), temperature=1.0)
        computed = metric.compute(predictions=scores, references=outputs.label_ids)
        return {name: float(value) for name, value in (computed or {}).items()}

    return score
