"""Training from a store on S3: it trains, repeats, and refuses what would leak."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from question_04 import demonstration
from tests.conftest import run_script
from tests.integration.test_training import train_words

from faceproof.buckets import Bucket, Endpoint
from faceproof.data import shards
from faceproof.errors import DatasetError, SettingsError
from faceproof.scale.indexing import index_store
from faceproof.scale.locations import Columns
from faceproof.scale.stores import open_store
from faceproof.scale.training_streams import open_training
from faceproof.scale.views import select
from faceproof.training.settings import Arguments, read_arguments
from faceproof.training.splits import load_splits
from faceproof.training.trainer import open_model

ADDRESS = "s3://training/store"


@pytest.fixture
def keys(s3: Endpoint, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dataset on the server, indexed, and the keys in the environment."""
    bucket = Bucket(ADDRESS, s3)
    demonstration.upload(bucket, shards.list_shards(dataset))
    index_store(bucket, Columns(strata=("split", "label")))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)


def settings_of(dataset: Path, folder: Path, *more: str) -> Arguments:
    words = [*train_words(dataset, folder)[1:], "--mask_weight", "0", "--store", ADDRESS, *more]
    return read_arguments(None, words)


@pytest.mark.usefixtures("keys")
def test_the_command_trains_from_s3(dataset: Path, tmp_path: Path, s3: Endpoint) -> None:
    words = [*train_words(dataset, tmp_path), "--mask_weight", "0", "--store", ADDRESS]
    done = run_script(*words)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "results.json").read_text())
    assert result["values"]["steps_run"] == -(-960 // 28)
    assert result["values"]["test_auroc_n"] == 320
    assert s3.secret not in (tmp_path / "results.json").read_text() + done.stdout + done.stderr


@pytest.mark.usefixtures("keys")
def test_two_processes_share_the_stream(dataset: Path, tmp_path: Path) -> None:
    words = [*train_words(dataset, tmp_path), "--mask_weight", "0", "--store", ADDRESS]
    done = run_script(
        "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *words
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "results.json").read_text())
    assert result["values"]["processes"] == 2
    assert result["values"]["steps_run"] == -(-480 // 28)


@pytest.mark.usefixtures("keys")
def test_an_epoch_repeats_and_another_differs(dataset: Path, tmp_path: Path) -> None:
    run = settings_of(dataset, tmp_path)
    pools = load_splits(dataset, run.cache_dir)
    _, processor = open_model(run, pools["train"].images)
    first, second, third = (
        next(iter(open_training(run, pools, processor)))["pixel_values"] for _ in range(3)
    )
    assert torch.equal(first, second)
    assert torch.equal(second, third)
    stream = open_training(run, pools, processor)
    stream.set_epoch(1)
    assert not torch.equal(next(iter(stream))["pixel_values"], first)


@pytest.mark.usefixtures("keys")
def test_rows_of_other_splits_and_wishes_for_masks_are_refused(
    dataset: Path, tmp_path: Path, s3: Endpoint
) -> None:
    run = settings_of(dataset, tmp_path)
    pools = load_splits(dataset, run.cache_dir)
    _, processor = open_model(run, pools["train"].images)
    store = open_store(Bucket(ADDRESS, s3))
    view = select(store, "SELECT row FROM metadata", tmp_path / "kept")
    view.save(tmp_path / "all.parquet")
    view_of = replace(run.data, view=tmp_path / "all.parquet")
    with pytest.raises(DatasetError, match="640 rows of the view are not of the split train"):
        open_training(replace(run, data=view_of), pools, processor)
    with pytest.raises(SettingsError, match="mask_weight 0"):
        open_training(replace(run, model=replace(run.model, mask_weight=1.0)), pools, processor)


@pytest.mark.usefixtures("keys")
def test_people_of_the_test_split_under_another_name_are_refused(
    dataset: Path, tmp_path: Path
) -> None:
    run = settings_of(dataset, tmp_path)
    pools = dict(load_splits(dataset, run.cache_dir))
    _, processor = open_model(run, pools["train"].images)
    train = pools["train"]
    pools["test"] = train  # as if the store's training images were somebody's test images
    with pytest.raises(DatasetError, match="960 rows of the view are images of validation or test"):
        open_training(run, pools, processor)
    pools["test"] = replace(train, rows=train.rows.select([]))  # other images, the same people
    with pytest.raises(DatasetError, match="960 rows of the view are of people"):
        open_training(run, pools, processor)
