from pathlib import Path

from faceproof.data.exports import push
from faceproof.data.settings import PushSettings


def test_a_dry_run_says_what_would_go_and_where(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.parquet").write_bytes(b"12345")
    run = PushSettings(repository="user/faces", dry_run=True)
    lines = list(push(run, tmp_path, [tmp_path / "data/a.parquet"], "dataset"))
    assert [line.split() for line in lines[:-1]] == [["5", "data/a.parquet"]]
    assert "user/faces" in lines[-1]
    assert "nothing was sent" in lines[-1]


def test_what_is_new_is_private_unless_asked() -> None:
    assert PushSettings(repository="user/faces").private
