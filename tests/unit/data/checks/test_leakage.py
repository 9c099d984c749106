import pytest

from faceproof.data.checks.leakage import check_groups
from faceproof.records import Split


def test_a_group_on_two_sides_fails_and_is_named() -> None:
    finding = check_groups(["anna", "anna", "ben"], ["train", "test", "test"])
    assert (finding.outcome, finding.value, finding.n) == ("fail", 1, 2)
    assert "anna (train, test)" in finding.meaning


def test_groups_that_keep_to_their_split_pass() -> None:
    finding = check_groups(["anna", "anna", "ben"], ["train", "train", "test"])
    assert (finding.outcome, finding.value) == ("pass", 0.0)


@pytest.mark.parametrize(
    ("groups", "splits"),
    [(None, ["train", "test"]), (["a", "b"], None), (["a", "b"], ["test", "test"])],
)
def test_without_groups_or_splits_nothing_can_be_said(
    groups: list[str] | None, splits: list[Split] | None
) -> None:
    assert check_groups(groups, splits).outcome == "underpowered"
