import numpy as np
import pandas as pd
import pytest
from tests.conftest import DECISION

from faceproof.training.evaluation import ScoredSplit, measure_people, measure_sources
from faceproof.training.splits import LoadedSplit

PEOPLE = 6  # of each source


def make_split(alone: bool = False) -> ScoredSplit:
    """Two sources of reals, the second called fake throughout; fakes made here, and by others.

    Of each person a real, a forgery that is missed, and a brought fake that is found; a third
    source brings fakes alone.
    """
    sources = ["album"] if alone else ["album", "archive"]
    rows = [
        (source, label, seed, margin + 8 * (source == "archive"), f"{source}{person}")
        for source in sources
        for person in range(PEOPLE)
        for label, seed, margin in ((0, None, -4.0), (1, 7, -6.0), (1, None, 2.0))
    ]
    rows += [("made", 1, None, 0.0, f"made{number}") for number in range(PEOPLE)]
    names = ["source", "label", "seed", "margin", "component_id"]
    table = pd.DataFrame(rows, columns=names)
    table["sex"] = np.where(table["source"] == "archive", "male", "female")
    table["age_band"], table["skin_tone"] = "20-29", "tan"
    pool = LoadedSplit(table, None, None, "")  # type: ignore[arg-type]  # nothing looks at images here
    return ScoredSplit(pool, np.arange(len(table)), np.asarray(table["margin"]))


def test_reals_of_each_source_are_measured_and_told_from_the_others() -> None:
    values = measure_sources("test", make_split(), DECISION, seed=0)
    assert values["test_false_alarms_album"].value == 0.0
    assert values["test_false_alarms_archive"].value == 1.0
    assert values["test_auroc_archive_against_reals"].value == 1.0  # it knows the archive
    assert values["test_auroc_album_against_reals"].value == 0.0
    assert "test_false_alarms_made" not in values


def test_fakes_that_a_source_brought_are_kept_apart_from_forgeries_of_its_photos() -> None:
    values = measure_sources("test", make_split(), DECISION, seed=0)
    assert values["test_auroc_album_within"].value == 1.0  # the missed forgery is not in it
    assert values["test_auroc_album_within"].n == 2 * PEOPLE
    assert values["test_auroc_from_album"].value == pytest.approx(0.5)  # archive reals lie above
    assert values["test_auroc_from_made"].n == 3 * PEOPLE
    assert "test_auroc_made_within" not in values


def test_with_one_source_of_reals_there_is_no_control_and_so_no_claim() -> None:
    assert measure_sources("test", make_split(alone=True), DECISION, seed=0) == {}


def test_false_alarms_are_told_by_whose_face_it_is() -> None:
    values = measure_people("test", make_split(), DECISION, seed=0)
    assert values["test_false_alarms_sex_female"].value == 0.0
    assert values["test_false_alarms_sex_male"].value == 1.0
    assert values["test_false_alarms_age_band_20-29"].value == 0.5
    assert values["test_false_alarms_skin_tone_tan"].n == 2 * PEOPLE
