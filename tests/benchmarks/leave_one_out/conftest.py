"""The tiny split of the unit tests."""

from tests.unit.training.conftest import pool, rows

__all__ = ["pool", "rows"]
