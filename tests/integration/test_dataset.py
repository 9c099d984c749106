"""The built folder as a stranger meets it: through `load_dataset` and as a zip."""

import hashlib
import json
import zipfile
from pathlib import Path

import mlcroissant as mlc
import pandas as pd
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Image, load_dataset
from huggingface_hub import DatasetCard
from question_01 import demonstration
from tests.conftest import run_script

from faceproof import records
from faceproof.data import shards, tables
from faceproof.data.inputs.archives import open_archive
from faceproof.data.settings import DemonstrationSettings


def test_three_splits_load_with_image_and_class_label(dataset: Path, tmp_path: Path) -> None:
    splits = load_dataset(str(dataset), cache_dir=str(tmp_path))
    assert set(splits) == {"train", "validation", "test"}
    assert splits.num_rows == {"train": 960, "validation": 320, "test": 320}
    for rows in splits.values():
        assert tuple(rows.features) == records.COLUMNS
        assert isinstance(rows.features["image"], Image)
        assert isinstance(rows.features["label"], ClassLabel)
    assert splits["test"][0]["image"].size == (92, 92)


def test_splits_hold_whole_people_and_equal_labels(dataset: Path) -> None:
    table = tables.to_frame(tables.open_dataset(dataset))
    people = table.groupby("split")["identity_id"].unique()
    assert sum(len(names) for names in people) == table["identity_id"].nunique() == 40
    assert table.groupby("split").size().to_dict() == {"test": 320, "train": 960, "validation": 320}
    assert (table.groupby("split")["label"].value_counts(normalize=True) == 0.5).all()
    by_id = table.set_index("image_id")
    parents = table.explode("parent_ids").dropna(subset=["parent_ids"])
    assert (
        by_id.loc[parents["parent_ids"], "split"].to_numpy() == parents["split"].to_numpy()
    ).all()


def test_the_cards_classes_are_those_in_the_parquet(dataset: Path) -> None:
    schema = pq.read_schema(shards.list_shards(dataset)[0])
    embedded = json.loads(schema.metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    card = shards.read_card(dataset)["dataset_info"]["features"]
    stated = next(column for column in card if column["name"] == "label")
    assert list(stated["dtype"]["class_label"]["names"].values()) == embedded == ["real", "fake"]


def test_the_cards_metadata_is_what_the_hub_reads(dataset: Path) -> None:
    card = DatasetCard.load(dataset / "README.md")
    assert card.data.license == "other"
    assert card.data.license_name
    assert card.data.task_categories == ["image-classification"]
    (config,) = card.data.configs
    assert {one["split"] for one in config["data_files"]} == set(records.SPLITS)
    stated = {one["name"]: one["num_examples"] for one in card.data.dataset_info["splits"]}
    values = json.loads((dataset.parent / "results.json").read_text())["values"]
    assert stated == {name: values[f"records_{name}"] for name in records.SPLITS}
    assert "@software{faceproof," in card.text


def test_results_count_every_photo_in_and_out(dataset: Path) -> None:
    values = json.loads((dataset.parent / "results.json").read_text())["values"]
    assert values["photos_in"] == values["photos_kept"] + values["photos_dropped"] == 400
    assert values["records"] == sum(values[f"records_{name}"] for name in records.SPLITS)
    assert values["records"] == sum(values[f"records_role_{name}"] for name in records.ROLES)
    assert values["fingerprint"] == shards.verify(dataset)


def flip_labels(splits: DatasetDict) -> DatasetDict:
    def flip(rows: Dataset) -> Dataset:
        return rows.map(lambda row: {"label": 1 - row["label"]}, features=rows.features)

    return DatasetDict({name: flip(rows) for name, rows in splits.items()})


def publish(splits: DatasetDict, folder: Path) -> None:
    staged = shards.stage(splits, folder.parent / "staging", rows_per_shard=200, seed=0)
    shards.publish(staged, folder, f"---\n{shards.describe(staged, splits, {})}---\n", {})


def test_a_rebuild_with_flipped_labels_loads_the_new_labels(dataset: Path, tmp_path: Path) -> None:
    """With the same file names and card `load_dataset` would answer from its cache."""
    first = DatasetDict(
        {name: rows.select(range(20)) for name, rows in tables.open_dataset(dataset).items()}
    )
    seen = []
    for splits in (first, flip_labels(first)):
        publish(splits, tmp_path / "set")
        loaded = load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))["train"]
        seen.append(dict(zip(loaded["image_id"], loaded["label"], strict=True)))
    assert seen[1] == {name: 1 - label for name, label in seen[0].items()}


def test_the_mini_zip_is_complete_and_its_names_tell_nothing(dataset: Path) -> None:
    with zipfile.ZipFile(dataset.parent / "exports" / "mini_dataset.zip") as archive:
        names = set(archive.namelist())
        table = pd.read_csv(archive.open("metadata.csv"), keep_default_na=False)
        sums = dict(
            line.split("  ")[::-1] for line in archive.read("SHA256SUMS").decode().splitlines()
        )
        assert all(hashlib.sha256(archive.read(name)).hexdigest() == sums[name] for name in sums)
    assert names - set(sums) == {"SHA256SUMS"}
    assert set(table["image"]) == {name for name in names if name.startswith("images/")}
    assert sum(name.startswith("masks/") for name in names) == (table["label"] == "fake").sum()
    assert not any(word in name for name in names for word in ("real", "fake", "sham", "swap"))
    assert {"README.md", "DATASHEET.md"} <= names


def test_the_croissant_file_is_valid_and_leads_to_the_rows(dataset: Path) -> None:
    described = mlc.Dataset(str(dataset / "croissant.json"))
    assert not described.metadata.ctx.issues.errors
    assert described.metadata.data_biases
    rows = described.records("test_rows")
    first = next(iter(rows))
    assert {name.split("/")[1] for name in first} == set(records.COLUMNS)
    assert first["test_rows/image"].size == (92, 92)


def test_the_datasheet_and_the_card_say_what_the_build_counted(dataset: Path) -> None:
    datasheet = (dataset / "DATASHEET.md").read_text()
    for part in ("Motivation", "Composition", "Collection", "Uses", "Distribution", "Maintenance"):
        assert f"## {part}" in datasheet
    assert "1600 images: 400 real, 400 sham, 800 fake" in datasheet
    card = (dataset / "README.md").read_text()
    assert all(f"`{name}`" in card for name in records.COLUMNS)


def test_labels_are_equal_over_roles_and_say_how_they_were_got(dataset: Path) -> None:
    table = tables.to_frame(tables.open_dataset(dataset))
    for label in records.LABEL_COLUMNS:
        assert (table.groupby("pair_id")[label].nunique(dropna=False) == 1).all(), label
    assert set(table["sex_basis"]) == {"derived"}
    assert table["sex_confidence"].between(0.5, 1).all()
    assert table["ita_degrees"].isna().all()  # ORL is grey
    by_person = table.groupby("identity_id")["sex"].agg(lambda said: said.mode()[0])
    # ORL's women are s8, s10, s32 and s35 by eye
    assert {"orl-08", "orl-32", "orl-35"} <= set(by_person[by_person == "female"].index)


def test_the_zip_that_is_handed_out_passes_the_split_check(dataset: Path) -> None:
    archive = dataset.parent / "exports" / "mini_dataset.zip"
    done = run_script("dataset_builder/check_splits.py", "--data", str(archive))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1600 of 1600 images compared, 40 people: no split leaks\n"


def test_the_blind_zip_carries_its_truth(dataset: Path) -> None:
    archive = open_archive(dataset.parent / "exports" / "test_faces.zip")
    assert len(archive.images) == len(archive.truth) == 320
    assert len({one.group for one in archive.truth.values()}) == 8


def test_our_sampler_passes_the_test_that_four_others_fail(dataset: Path) -> None:
    run = DemonstrationSettings(dataset, dataset, seeds=200)
    table = tables.to_frame(tables.open_dataset(dataset))
    values = demonstration.summarise(table, demonstration.compare_samplers(table, run), run)
    # 200 tests at 5 %: 10 expected, sd 3.1
    assert 0.005 < float(str(values["rejection_share_cell_then_image"])) < 0.1
    assert float(str(values["ks_p_value_cell_then_image"])) > 0.01
    others = {
        "any_image": 1.0,
        "quota_per_cell": 0.0,
        "no_image_twice": 1.0,
        "raked_to_margins": 1.0,
    }
    for other, share in others.items():
        assert values[f"rejection_share_{other}"] == share
        assert float(str(values[f"ks_p_value_{other}"])) < 1e-6


def test_the_contact_sheet_shows_one_photo_a_person(dataset: Path, tmp_path: Path) -> None:
    done = run_script(
        "question_01/measure.py",
        "--dataset",
        str(dataset),
        "--root",
        str(tmp_path),
        "--seeds",
        "20",
    )
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "question_01").rglob("*") if path.is_file()}
    assert written == {"results.json", "metadata.csv", "triplets.png", "sampling.png"}
    assert len(pd.read_csv(tmp_path / "question_01" / "metadata.csv")) == 4


def test_before_the_first_build_scripts_say_what_to_do(tmp_path: Path) -> None:
    done = run_script("question_01/measure.py", "--dataset", str(tmp_path), "--root", str(tmp_path))
    assert done.returncode == 1
    assert "build it first with" in done.stderr


@pytest.mark.parametrize(
    "entry", ["photo: 3", "autoencoder_steps: 0", "source: moon", "seed: soon"]
)
def test_a_bad_recipe_is_refused_in_one_line(tmp_path: Path, entry: str) -> None:
    recipe = tmp_path / "bad.yaml"
    recipe.write_text(
        f"output: {tmp_path}/o\nexports: {tmp_path}/e\nresults: {tmp_path}/r\n{entry}\n"
    )
    done = run_script("dataset_builder/build_dataset.py", "--config", str(recipe))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ")
