import errno
import io
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from faceproof import console
from faceproof.errors import InputError


def refuse() -> int:
    raise InputError("no such\n   folder")


def interrupt() -> int:
    raise KeyboardInterrupt


def test_a_users_error_is_one_line_and_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        console.run(refuse)
    assert stopped.value.code == 1
    assert capsys.readouterr().err == "error: no such folder\n"


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        console.run(interrupt)
    assert stopped.value.code == 130
    assert "Ctrl-C" in capsys.readouterr().err


def test_a_scripts_own_code_is_kept() -> None:
    with pytest.raises(SystemExit) as stopped:
        console.run(lambda: console.EXIT_FINDINGS)
    assert stopped.value.code == 3


def test_only_the_main_process_speaks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    console.say("hello")
    assert list(console.progress([1, 2], "counting", "numbers")) == [1, 2]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_progress_passes_everything_through() -> None:
    assert list(console.progress(iter("abc"), "spelling", "letters", 3)) == ["a", "b", "c"]


class PanicException(BaseException):
    """What the S3 library raises where it breaks."""

    __module__ = "pyo3_runtime"


def open_missing() -> int:
    return len(Path("/no/such/file").read_bytes())


def open_bad_zip() -> int:
    return len(zipfile.ZipFile(io.BytesIO(b"no zip")).namelist())


def open_bad_parquet() -> int:
    return len(pq.read_table(pa.BufferReader(b"no parquet")))


def open_bad_image() -> int:
    return Image.open(io.BytesIO(b"no image")).width


def fill_the_disk() -> int:
    raise OSError(errno.ENOSPC, "No space left on device", "out.csv")


def panic() -> int:
    raise PanicException("URL is invalid\nDebug source: secret")


def exhaust_memory() -> int:
    raise MemoryError


@pytest.mark.parametrize(
    ("fail", "said"),
    [
        (open_missing, "error: /no/such/file: No such file or directory"),
        (open_bad_zip, "error: File is not a zip file"),
        (open_bad_parquet, "error: .*[Pp]arquet"),
        (open_bad_image, "error: cannot identify image file"),
        (fill_the_disk, "error: out.csv: No space left on device"),
        (panic, "error: URL is invalid$"),
        (exhaust_memory, "error: the memory of this machine is full"),
    ],
)
def test_failures_of_others_are_one_line_and_code_1(
    capsys: pytest.CaptureFixture[str], fail: Callable[[], int], said: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        console.run(fail)
    assert stopped.value.code == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.match(said, error.rstrip("\n"))


def divide() -> int:
    return 1 // 0


def test_a_fault_of_ours_keeps_its_traceback_and_asks_for_a_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ZeroDivisionError):
        console.run(divide)
    assert "please report it" in capsys.readouterr().err


HALF = """
import signal, sys, threading
from pathlib import Path
from faceproof import console
from faceproof.storage import replacing, replacing_folder

def main():
    with replacing(Path("out.csv")) as file, replacing_folder(Path("model")) as folder:
        file.write_text("half")
        (folder / "weights").write_text("half")
        print("half", flush=True)
        threading.Event().wait()

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
console.run(main)
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, console.EXIT_TERMINATED), (signal.SIGINT, 130)]
)
def test_a_signal_leaves_nothing_half_written(tmp_path: Path, number: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HALF], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"half\n"
        process.send_signal(number)
        assert b"nothing half-written was kept" in process.stderr.read()
    assert process.returncode == code
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_left_is_no_fault() -> None:
    text = (
        "from faceproof import console\n"
        "console.run(lambda: len([console.say('x' * 999) for _ in range(9999)]))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
