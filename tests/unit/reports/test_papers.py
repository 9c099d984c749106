import json

import pytest

from faceproof import results
from faceproof.data.shards import ShardFile
from faceproof.reports import papers
from faceproof.results import REPOSITORY

SHARDS = [ShardFile("data/abc/train-00000-of-00001.parquet", "0" * 64, 10)]


@pytest.mark.parametrize("name", ["results", "results_orl", "results_portraits", "results_release"])
def test_each_kind_of_source_has_papers_that_name_its_numbers(name: str) -> None:
    values = results.read(REPOSITORY / f"dataset_builder/{name}.json").values
    described = json.loads(papers.render_croissant(values, SHARDS))
    assert str(values["photos_in"]) in described["rai:dataCollectionMissingData"]
    datasheet = papers.render_datasheet(values)
    for source in str(values["source"]).split():
        assert source in datasheet.lower()
