from dataclasses import replace
from pathlib import Path

import pytest

from faceproof.errors import DatasetError, SettingsError
from faceproof.training.splits import LoadedSplit, check_left_out, load_splits


def test_leaving_out_a_family_takes_its_shams_along(pool: LoadedSplit) -> None:
    kept = pool.table.iloc[pool.rows_without("blend")]
    assert set(kept["method"]) == {"none", "dcgan"}
    assert set(pool.table.iloc[pool.rows_without("swap")]["method"]) == {"none", "dcgan"}
    assert set(pool.table.iloc[pool.rows_without("dcgan")]["method"]) == {"none", "sham", "swap"}


def test_what_was_left_out_is_measured_against_every_real(pool: LoadedSplit) -> None:
    against = pool.table.iloc[pool.rows_against("blend")]
    assert sorted(against["method"].value_counts().items()) == [
        ("none", 4), ("sham", 4), ("swap", 4),
    ]  # fmt: skip


def test_an_unknown_name_is_refused_with_the_known_ones(pool: LoadedSplit) -> None:
    with pytest.raises(SettingsError, match="blend, dcgan, here, swap, synthesize"):
        check_left_out("sham", pool)


def test_files_come_in_the_order_of_the_table(pool: LoadedSplit) -> None:
    files = list(pool.read_files())
    assert len(files) == len(pool.table)
    assert all(data.startswith(b"\xff\xd8") for data in files)


def test_a_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        load_splits(tmp_path, tmp_path)


def test_a_source_can_be_left_out_whole(pool: LoadedSplit) -> None:
    table = pool.table.assign(source=["here"] * 8 + ["there"] * 8)
    both = replace(pool, table=table)
    assert both.rows_without("there").tolist() == list(range(8))
    assert both.rows_from(["there"]).tolist() == list(range(8, 16))
    donors = [*table["parent_ids"][:6], ["photo0-none", "photo2-none"], *table["parent_ids"][7:]]
    crossed = replace(pool, table=table.assign(parent_ids=donors))  # a swap with a face from there
    assert crossed.rows_without("there").tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert crossed.rows_from(["here"]).tolist() == [0, 1, 2, 3, 4, 5, 7]
    assert len(both.rows_from([])) == 16
    with pytest.raises(SettingsError, match="sources are nowhere; the dataset holds here, there"):
        both.rows_from(["nowhere"])
    check_left_out("there", both)
    with pytest.raises(SettingsError, match=r"nowhere.*here, .*there"):
        check_left_out("nowhere", both)
