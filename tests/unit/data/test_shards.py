import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from datasets import Dataset, DatasetDict
from tests.unit.test_records import LABELS

from faceproof import records
from faceproof.data import shards
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.tables import features
from faceproof.errors import DatasetError
from faceproof.storage import MARKER

ROWS = 25


@pytest.fixture(scope="module")
def splits(face: Pixels) -> DatasetDict:
    jpeg = encode_jpeg(face, 80, 0)

    def make(split: str) -> Dataset:
        rows = [
            records.FaceRecord(
                image=jpeg, mask=None, label="fake" if number % 2 else "real", role="real",
                family="none", method="none", image_id=f"{split}-{number}", pair_id="p",
                component_id=split, identity_id=split, parent_ids=(), source="test", seed=None,
                parameters="{}", labels=LABELS,
            )
            for number in range(ROWS)
        ]  # fmt: skip
        return Dataset.from_list([records.to_row(row) for row in rows], features=features())

    return DatasetDict({name: make(name) for name in records.SPLITS})


def build(splits: DatasetDict, folder: Path, seed: int = 0) -> shards.StagedShards:
    staged = shards.stage(splits, folder.parent / "staging", rows_per_shard=10, seed=seed)
    card = f"---\n{shards.describe(staged, splits, {'license': 'other'})}---\n# A card\n"
    shards.publish(staged, folder, card, {})
    return staged


def test_a_published_folder_is_what_its_card_says(splits: DatasetDict, tmp_path: Path) -> None:
    staged = build(splits, tmp_path / "set")
    assert shards.verify(tmp_path / "set") == staged.fingerprint
    card = shards.read_card(tmp_path / "set")
    patterns = [entry["path"] for entry in card["configs"][0]["data_files"]]
    assert all(staged.fingerprint[:12] in pattern for pattern in patterns)
    assert card["license"] == "other"
    assert len(shards.list_shards(tmp_path / "set")) == 9


def test_image_bytes_lie_plain_in_their_file(
    splits: DatasetDict, tmp_path: Path, face: Pixels
) -> None:
    build(splits, tmp_path / "set")
    shard = shards.list_shards(tmp_path / "set")[0]
    group = pq.ParquetFile(shard).metadata.row_group(0)
    columns = [group.column(index) for index in range(group.num_columns)]
    images = next(column for column in columns if column.path_in_schema == "image.bytes")
    assert images.compression == "UNCOMPRESSED"
    assert encode_jpeg(face, 80, 0) in shard.read_bytes()


def test_the_same_rows_and_seed_give_the_same_bytes(splits: DatasetDict, tmp_path: Path) -> None:
    first = build(splits, tmp_path / "a").fingerprint
    assert build(splits, tmp_path / "b").fingerprint == first
    assert build(splits, tmp_path / "c", seed=1).fingerprint != first


def test_rows_are_mixed(splits: DatasetDict, tmp_path: Path) -> None:
    build(splits, tmp_path / "set")
    first = pq.read_table(shards.list_shards(tmp_path / "set")[0], columns=["image_id"])
    ids = first["image_id"].to_pylist()
    assert ids != sorted(ids, key=lambda name: int(name.split("-")[1]))


def test_a_new_build_replaces_the_old_and_a_repeated_one_changes_nothing(
    splits: DatasetDict, tmp_path: Path
) -> None:
    build(splits, tmp_path / "set")
    staged = build(splits, tmp_path / "set", seed=1)
    kept = [one.name for one in (tmp_path / "set" / "data").iterdir() if one.name != MARKER]
    assert kept == [staged.fingerprint[:12]]
    build(splits, tmp_path / "set", seed=1)
    assert shards.verify(tmp_path / "set") == staged.fingerprint


def test_what_somebody_put_beside_the_shards_stays(
    splits: DatasetDict, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = build(splits, tmp_path / "set")
    notes = tmp_path / "set" / "data" / first.fingerprint[:12] / "notes.parquet"
    notes.write_text("mine")
    staged = build(splits, tmp_path / "set", seed=1)
    assert shards.verify(tmp_path / "set") == staged.fingerprint
    assert [one.name for one in notes.parent.iterdir() if one.name != MARKER] == [notes.name]
    assert "faceproof did not write notes.parquet" in caplog.text


def damage_bytes(folder: Path) -> None:
    with shards.list_shards(folder)[0].open("ab") as shard:
        shard.write(b"x")


def lose_shard(folder: Path) -> None:
    shards.list_shards(folder)[0].unlink()


def lose_all(folder: Path) -> None:
    shutil.rmtree(folder / "data")


def lose_card(folder: Path) -> None:
    (folder / "README.md").unlink()


def foreign_card(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")


def broken_card(folder: Path) -> None:
    (folder / "README.md").write_text("---\na: [\n---\n")


def other_counts(folder: Path) -> None:
    card = shards.read_card(folder)
    card["dataset_info"]["splits"][0]["num_examples"] += 1
    (folder / "README.md").write_text(f"---\n{yaml.safe_dump(card)}---\n")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (damage_bytes, "not those its card describes"),
        (lose_shard, "not those its card describes"),
        (lose_all, "no shards"),
        (lose_card, "no dataset in"),
        (foreign_card, "not a card of this project"),
        (other_counts, "its card says"),
        (broken_card, "cannot be read as a dataset card"),
    ],
)
def test_a_folder_that_is_not_its_card_is_refused(
    splits: DatasetDict, tmp_path: Path, harm: Callable[[Path], None], message: str
) -> None:
    build(splits, tmp_path / "set")
    harm(tmp_path / "set")
    with pytest.raises(DatasetError, match=message):
        shards.verify(tmp_path / "set")
    staged = build(splits, tmp_path / "set")  # "build again" must help
    assert shards.verify(tmp_path / "set") == staged.fingerprint
