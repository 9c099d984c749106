"""What a real-or-fake detector is measured by, as a local `evaluate` metric that needs no network.

    metric = evaluate.load("training/detection_metric.py")
    metric.compute(predictions=[0.9, 0.2, 0.7], references=[1, 0, 1])

`predictions` are probabilities of fake, 0 to 1; `references` are 0 (real) and 1 (fake), both there.
"""

import datasets
import evaluate
import numpy as np

from faceproof.metrics import (
    accuracy,
    auroc,
    calibration_error,
    equal_error_rate,
    found_at_false_alarms,
)

_DESCRIPTION = """Of probabilities of fake: area under the ROC curve (auroc), equal error rate
(eer), share of fakes found at 5 % and at 1 % false alarms where the reals are enough to show it
(tpr_at_5_fpr, tpr_at_1_fpr), expected calibration error over ten bins (ece), accuracy at 0.5."""


class DetectionMetric(evaluate.Metric):
    """Takes probabilities of fake and class numbers (0 real, 1 fake)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: list[float], references: list[int]) -> dict[str, float]:
        labels, scores = np.asarray(references, np.int64), np.asarray(predictions, np.float64)
        found = {
            f"tpr_at_{percent}_fpr": found_at_false_alarms(labels, scores, percent / 100)
            for percent in (5, 1)
            if (labels == 0).sum() * percent >= 100  # fewer reals cannot show such a rate
        }
        return {
            "auroc": auroc(labels, scores),
            "eer": equal_error_rate(labels, scores),
            **found,
            "ece": calibration_error(labels, scores),
            "accuracy": accuracy(labels, scores, 0.5),
        }
