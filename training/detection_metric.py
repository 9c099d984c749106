"""AUROC and accuracy of a real-or-fake detector as a local `evaluate` metric.

    evaluate.load("training/detection_metric.py")

`evaluate.load("roc_auc")` fetches a script from the Hub; this one needs no network.
"""

import datasets
import evaluate
import numpy as np

from faceproof.metrics import accuracy, auroc

_DESCRIPTION = "Area under the ROC curve and accuracy of scores where higher means fake."


class DetectionMetric(evaluate.Metric):
    """Takes margins (fake logit minus real logit) and class numbers (0 real, 1 fake)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation="",
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions: list[float], references: list[int]) -> dict[str, float]:
        labels, margins = np.asarray(references, np.int64), np.asarray(predictions, np.float64)
        return {"auroc": auroc(labels, margins), "accuracy": accuracy(labels, margins, 0.0)}
