import pytest

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
