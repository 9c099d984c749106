from faceproof.data.demonstrations import arrange_sheet
from faceproof.data.galleries import FILTERS, ShownImage


def show(role: str, family: str, method: str) -> ShownImage:
    labels = dict.fromkeys(FILTERS, "x") | {"role": role, "family": family, "method": method}
    name = f"{role} {family} {method}".encode()
    label = "fake" if role == "fake" else "real"
    return ShownImage(name, b"mask" if role == "fake" else None, label, labels)


REAL, SWAP = show("real", "none", "none"), show("fake", "blend", "swap")
WHOLE = show("fake", "reconstruct", "autoencoder")


def test_each_family_s_sham_has_a_row_of_its_own() -> None:
    photo = [SWAP, show("sham", "warp", "sham"), show("sham", "blend", "sham"), REAL]
    (column,) = arrange_sheet([photo])
    assert list(column) == ["real", "sham blend", "sham warp", "swap", "swap mask"]
    assert column["sham warp"] == b"sham warp sham"


def test_where_each_photo_has_one_sham_they_share_a_row() -> None:
    first = [REAL, show("sham", "warp", "sham"), SWAP, WHOLE]
    second = [REAL, show("sham", "blend", "sham"), SWAP, WHOLE]
    columns = arrange_sheet([first, second])
    assert [list(column) for column in columns] == [
        ["real", "sham", "swap", "swap mask", "autoencoder"]
    ] * 2  # a mask of the whole picture is not shown
