"""What question 4's contenders are called for readers."""

from collections.abc import Mapping

_TITLES: Mapping[str, str] = {
    "decode_limit": "decoding alone", "ours": "ours", "ours_cached": "ours, filling its cache",
    "webdataset": "WebDataset", "litdata": "LitData", "mosaic": "MDS (Mosaic)", "lance": "Lance",
    "datasets_fast": "datasets, fast decoder", "datasets_default": "datasets, as it comes",
    "objects_obstore": "object per image, obstore", "objects_boto3": "object per image, boto3",
    "ray_data": "Ray Data", "daft": "Daft (no shuffle)", "ours_again": "ours, metadata kept",
    "polars": "Polars", "duckdb": "DuckDB", "pandas": "pandas",
}  # fmt: skip


def title_of(name: str) -> str:
    """A contender's name for readers."""
    return _TITLES[name]
