"""Softer labels: a share of a label may be what a linear head on pretrained features thinks.

Why: who learns the faces of a few generators until every one is told apart learns what is odd about
each of them, and knows those of another generator less. A linear head on features that nobody
trained for this keeps to what such faces share; where it is not sure, the label says so.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from transformers import PreTrainedModel
from transformers.image_processing_utils import BaseImageProcessor

from faceproof.data.forgery.synthesize import FAMILY
from faceproof.errors import SettingsError
from faceproof.learning.baselines import Features, embed_rows, keep_features
from faceproof.learning.distillations import list_maps
from faceproof.learning.pools import Pool
from faceproof.metrics import Rows
from faceproof.records import FAKE

Targets = NDArray[np.float32]

_FOLDS = 4
_STRENGTH = 0.01  # inverse regularisation: features are many, and alike
_STEPS = 400


def soften(pool: Pool, kept: Rows, features: Features, share: float) -> Targets:
    """What each image of a split is to be taken for, shape (N,), 0 real to 1 fake.

    Of reals and of faces of nobody a share of the label is the probability of a logistic regression
    that learned from other people: reals against faces of nobody. What was altered keeps its label,
    for such a head does not see it, and so do rows that are not kept.

    Args:
        pool: the split.
        kept: rows that may be looked at.
        features: of `read_features`.
        share: of the head's opinion, 0 to below 1.

    Raises:
        SettingsError: the kept rows have no faces of nobody, or too few people.

    Source: distillation (Hinton et al. 2015) of a linear probe (Alain and Bengio 2016); by folds,
    for a head is too sure of what it learned from.
    """
    labels, groups = pool.labels, pool.groups
    seen = find_seen(pool)
    is_known = np.isin(seen, kept)
    known = seen[is_known]
    people = [len(set(groups[known][labels[known] == label])) for label in (0, FAKE)]
    if min(people) < _FOLDS:
        raise SettingsError(
            f"soften needs generated faces and photos of {_FOLDS} people or more; give soften 0"
        )
    head = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=_STRENGTH, max_iter=_STEPS, class_weight="balanced"),
    )
    opinions = cross_val_predict(
        head, features[is_known], labels[known], groups=groups[known],
        cv=StratifiedGroupKFold(_FOLDS), method="predict_proba",
    )[:, 1]  # fmt: skip
    targets = labels.astype(np.float32)
    targets[known] += share * (opinions - targets[known])
    return targets


def find_seen(pool: Pool) -> Rows:
    """Rows that the head is asked about: reals, and faces of nobody."""
    return np.flatnonzero((pool.labels != FAKE) | np.asarray(pool.table["family"] == FAMILY))


def read_features(
    pool: Pool, model: PreTrainedModel, processor: BaseImageProcessor, place: Path
) -> Features:
    """What `summarise` gives of the rows of `find_seen`, measured once and kept at `place`.

    Args:
        pool: the split.
        model: the network as it was pretrained.
        processor: its own.
        place: file of this split, network and size.
    """
    look = partial(summarise, model)
    return keep_features(place, lambda: embed_rows(pool, find_seen(pool), processor, look))


def summarise(model: PreTrainedModel, pictures: Tensor) -> Tensor:
    """Mean and deviation of each channel of the last map of each size, shape (N, D).

    Args:
        model: takes `pixel_values`, gives hidden states; in evaluation mode.
        pictures: (N, 3, H, W) float32.
    """
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    hidden = model.base_model(pixel_values=pictures, output_hidden_states=True).hidden_states
    maps = list_maps(hidden).values()
    return torch.cat([part for one in maps for part in (one.mean((2, 3)), one.std((2, 3)))], 1)
