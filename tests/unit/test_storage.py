import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceproof import storage
from faceproof.buckets import Endpoint
from faceproof.errors import StorageError
from faceproof.storage import (
    MARKER,
    PAGE_MARK,
    check_file,
    check_folder,
    claim_folder,
    drop_folder,
    expand,
    fresh_folder,
    hash_file,
    hash_files,
    replacing,
    replacing_folder,
)


def read_tree(folder: Path) -> dict[str, bytes]:
    return {
        one.relative_to(folder).as_posix(): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file()
    }


def write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text)


def write_folder(path: Path, name: str) -> None:
    with replacing_folder(path) as partial:
        (partial / name).write_text("ours")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(f"old {PAGE_MARK}")

    def fail() -> None:
        with replacing(path) as partial:
            partial.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == f"old {PAGE_MARK}"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_makes_its_folder_and_replaces_what_is_ours(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for text in ("one", "two"):
        write(path, f"{text} {PAGE_MARK}")
    assert path.read_text() == f"two {PAGE_MARK}"


def test_a_file_of_somebody_else_is_not_replaced_but_an_empty_one_is(tmp_path: Path) -> None:
    for name, text in (("letter.txt", "Dear Anna"), ("empty.txt", "")):
        (tmp_path / name).write_text(text)
    with pytest.raises(StorageError, match="faceproof did not write it"):
        write(tmp_path / "letter.txt", "scores")
    write(tmp_path / "empty.txt", "scores")
    assert read_tree(tmp_path) == {"letter.txt": b"Dear Anna", "empty.txt": b"scores"}


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_pipe, "not a regular file"),
        (lambda path: path.symlink_to("nowhere"), "the link leads nowhere"),
        (lambda path: path.symlink_to("/dev/null"), "not a regular file"),
        (lambda path: path.mkdir(), "it is a folder"),
    ],
    ids=["pipe", "broken link", "link to a device", "folder"],
)
def test_what_is_no_regular_file_is_refused(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(tmp_path / "out.csv")
    with pytest.raises(StorageError, match=said):
        write(tmp_path / "out.csv", "text")
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    for use in (storage.check_file, storage.check_folder):
        with pytest.raises(StorageError, match=r"is not a folder|Not a directory"):
            use(tmp_path / "file" / "below")


def test_a_folder_of_somebody_else_is_neither_claimed_nor_emptied_nor_replaced(
    tmp_path: Path,
) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("Dear Anna")
    before = read_tree(tmp_path)
    for use in (claim_folder, fresh_folder, lambda path: write_folder(path, "x")):
        with pytest.raises(StorageError, match="faceproof did not write"):
            use(tmp_path / "letters")
    drop_folder(tmp_path / "letters")
    assert read_tree(tmp_path) == before


def test_a_claimed_folder_takes_files_again_and_again(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path / "report")
    for text in ("one", "two"):
        write(claim_folder(folder) / "report.txt", text)
    assert read_tree(folder)["report.txt"] == b"two"
    with pytest.raises(StorageError, match="it holds results"):
        fresh_folder(folder)


def test_a_folder_that_holds_only_what_we_wrote_may_be_claimed_but_not_emptied(
    tmp_path: Path,
) -> None:
    write(tmp_path / "out" / "p.csv", f"text {PAGE_MARK}")
    write_folder(tmp_path / "out" / "model", "weights")
    with replacing(tmp_path / "out" / "q.csv") as partial:  # half-written in the same run
        partial.write_text("half")
        with pytest.raises(StorageError, match="it holds results"):
            fresh_folder(tmp_path / "out")
        claim_folder(tmp_path / "out")
    assert (tmp_path / "out" / MARKER).is_file()


def test_a_fresh_folder_is_empty_every_time_and_can_be_dropped(tmp_path: Path) -> None:
    for _ in range(2):
        folder = fresh_folder(tmp_path / "work")
        assert [one.name for one in folder.iterdir()] == [MARKER]
        (folder / "left").write_text("over")
    drop_folder(folder)
    assert not folder.exists()


WORK = """
import sys
from pathlib import Path
from faceproof import storage
folder = storage.fresh_folder(Path(sys.argv[1]))
(folder / "inner").mkdir()
(folder / "inner" / "rows.arrow").write_text("ours")
if sys.argv[2] == "killed":
    import os
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(params=["ended", "killed"])
def left(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder for work in progress that another process left behind."""
    words = [sys.executable, "-c", WORK, str(tmp_path / "work"), request.param]
    done = subprocess.run(words, check=False)
    assert done.returncode == (0 if request.param == "ended" else -9)
    return tmp_path / "work"


def test_what_an_earlier_run_left_is_emptied(left: Path) -> None:
    assert [one.name for one in fresh_folder(left).iterdir()] == [MARKER]


@pytest.mark.parametrize("name", ["notes.txt", "inner/face.jpg"])
def test_a_file_that_was_put_into_a_work_folder_is_named_and_stays(left: Path, name: str) -> None:
    (left / name).write_text("mine")
    before = read_tree(left)
    for use in (fresh_folder, storage.reopen_folder, lambda path: write_folder(path, "x")):
        with pytest.raises(StorageError, match=f"holds {name}, which faceproof did not write"):
            use(left)
    assert read_tree(left) == before
    drop_folder(left)
    assert read_tree(left).keys() == {MARKER, name}


def test_after_an_end_even_a_file_of_our_kind_is_known_as_not_ours(tmp_path: Path) -> None:
    words = [sys.executable, "-c", WORK, str(tmp_path / "work"), "ended"]
    subprocess.run(words, check=True)
    (tmp_path / "work" / "mine.arrow").write_text("mine")
    with pytest.raises(StorageError, match=r"holds mine\.arrow, which"):
        fresh_folder(tmp_path / "work")
    with (
        pytest.raises(StorageError, match="did not write it"),
        replacing(tmp_path / "work" / "mine.arrow"),
    ):
        pass


def test_a_run_that_goes_on_owns_what_it_adds(left: Path) -> None:
    storage.reopen_folder(left)
    (left / "any.kind").write_text("ours")
    storage.seal_folder(left)
    assert [one.name for one in fresh_folder(left).iterdir()] == [MARKER]


def test_files_of_other_kinds_may_be_announced(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text("faceproof made this\n*\n")
    (tmp_path / "scores.csv").write_text("ours")
    with pytest.raises(StorageError, match=r"holds scores\.csv"):
        fresh_folder(tmp_path)
    assert fresh_folder(tmp_path, {*storage.WORK_ENDINGS, ".csv"}) == tmp_path
    assert not (tmp_path / "scores.csv").exists()


def test_a_folder_is_replaced_whole_but_not_what_somebody_put_into_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_folder(tmp_path / "model", name)
    assert set(read_tree(tmp_path / "model")) == {MARKER, "two"}
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(StorageError, match=r"holds notes\.txt, which faceproof did not write"):
        write_folder(tmp_path / "model", "three")
    storage.add_to_folder(tmp_path / "model")
    write_folder(tmp_path / "model", "three")
    assert set(read_tree(tmp_path)) == {f"model/{MARKER}", "model/three"}


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    write_folder(tmp_path / "model", "one")
    before = read_tree(tmp_path)

    def fail() -> None:
        with replacing_folder(tmp_path / "model") as partial:
            (partial / "two").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert read_tree(tmp_path) == before
    shutil.rmtree(tmp_path / "model")


def test_an_output_may_not_be_an_input_nor_lie_in_one_nor_hold_one(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for output in ("photos", "photos/out.csv", "."):
        with pytest.raises(StorageError, match="the input"):
            storage.refuse_overlap(tmp_path / output, tmp_path / "photos")
    storage.refuse_overlap(tmp_path / "photos2", tmp_path / "photos")


def test_hashes_are_sha256_and_depend_on_order(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"a")
    second.write_bytes(b"b")
    assert hash_file(first) == hashlib.sha256(b"a").hexdigest()
    assert hash_files([first, second]) != hash_files([second, first])


def test_a_secret_is_not_shown() -> None:
    assert "hush" not in repr(Endpoint("http://127.0.0.1:1", "key", "hush"))


def test_a_file_in_our_folder_is_replaced_only_if_we_wrote_it(tmp_path: Path) -> None:
    folder = claim_folder(tmp_path / "out")
    (folder / "mine.csv").write_text("my only copy")
    with pytest.raises(StorageError, match="did not write it"), replacing(folder / "mine.csv"):
        pass
    assert (folder / "mine.csv").read_text() == "my only copy"
    for text in ("one", "two"):
        with replacing(folder / "ours.txt") as partial:
            partial.write_text(text)
    assert (folder / "ours.txt").read_text() == "two"


@pytest.mark.parametrize(
    "text", ['{"epoch": 3.0, "train_runtime": 12.5}', "the word faceproof_view in a thesis"]
)
def test_words_of_others_are_no_marks(tmp_path: Path, text: str) -> None:
    (tmp_path / "theirs").write_text(text)
    with pytest.raises(StorageError, match="did not write it"):
        check_file(tmp_path / "theirs")


def test_paths_that_lead_nowhere_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "l1").symlink_to(tmp_path / "l2")
    (tmp_path / "l2").symlink_to(tmp_path / "l1")
    for path in (tmp_path / "l1", tmp_path / "a\0b"):
        for check in (check_file, check_folder):
            with pytest.raises(StorageError, match="cannot write"):
                check(path)
    with pytest.raises(StorageError, match="no such user"):
        expand(Path("~nobody-of-that-name/x"))


def test_a_marker_that_is_no_text_is_read(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_bytes(b"\xff\xfe")
    assert claim_folder(tmp_path) == tmp_path
