import pytest

from faceproof.data.sources.photos import read_sex, read_year


@pytest.mark.parametrize(
    ("text", "sex"),
    [("F", "female"), (" male ", "male"), ("m", "male"), ("", "unknown"), ("other", "unknown")],
)
def test_sex_is_read_in_any_case(text: str, sex: str) -> None:
    assert read_sex(text) == sex


@pytest.mark.parametrize(
    ("text", "year"),
    [("1950", 1950), (" 1938", 1938), ("", None), ("\u00b2", None), ("99999999999", None),
     ("1200", None), ("-1950", None), ("19.5", None)],
)  # fmt: skip
def test_a_year_is_one_a_photographed_person_can_have(text: str, year: int | None) -> None:
    assert read_year(text) == year
