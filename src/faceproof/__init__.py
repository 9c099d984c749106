"""Faces, real and fake: a dataset that can be trusted, a detector that may abstain, an audit.

Rooms, from the ground up. `errors`, `records`, `console`: what everything speaks of. `storage` (the
one door to places that are written), `buckets` and `network` (object stores, the Hub), `metrics`,
`results`, `settings`. `data`: from what people point at (`data.inputs`) over faces, groups, splits
and forgeries to published parquet. `detector`: what a user runs. `training`: what makes a detector.
Beside each other on top: `audit` asks how much of a high accuracy is real, `scale` keeps millions
of images on S3, `reports` renders pages, `app` is the page in the browser. Imports go down only.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faceproof.detector.predict import load_detector

__all__ = ["load_detector"]


def __getattr__(name: str) -> Any:
    """The door is opened when it is asked for: scripts answer `--help` without torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from faceproof.detector import predict  # noqa: PLC0415

    return getattr(predict, name)
