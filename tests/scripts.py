"""Scripts of the repository, run in processes of their own by a server that forks.

The server has imported the large libraries once; for a small command that is most of the time.
What is ours is imported anew in every run. Environments that a library reads as it is imported,
like the Hub's address, come too late here: such tests start Python themselves.
"""

import atexit
import functools
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "datasets", "evaluate", "matplotlib.pyplot", "sklearn.feature_extraction.text",
        "sklearn.linear_model", "torch._dynamo", "transformers.trainer",
    ]
)  # fmt: skip


def run_forked(
    words: Sequence[str], cwd: Path, killed_after: tuple[str, int] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run what follows `python`, a script or `-m module`, and its words, and wait for its end.

    Args:
        words: the script and its words.
        cwd: to run in.
        killed_after: see `run_until_killed`.
    """
    with tempfile.TemporaryDirectory() as folder:
        said, errors = Path(folder, "stdout"), Path(folder, "stderr")
        process = _FORKS.Process(
            target=_run, args=((said, errors), words, cwd, dict(os.environ), killed_after)
        )
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(
            words, process.exitcode, said.read_text(), errors.read_text()
        )


def run_until_killed(place: str, calls: int, words: Sequence[str], cwd: Path) -> None:
    """Run a script that is killed without warning as soon as a function has returned so often.

    Args:
        place: the function, as `module:name` or `module:Class.name`; its caller must look it up
            there.
        calls: of it.
        words: the script and its words.
        cwd: to run in.
    """
    done = run_forked(words, cwd, (place, calls))
    assert done.returncode == -signal.SIGKILL, done.stderr


def _run(
    streams: tuple[Path, Path],
    words: Sequence[str],
    cwd: Path,
    environment: dict[str, str],
    killed_after: tuple[str, int] | None,
) -> None:
    atexit._clear()  # what the server would do at its own end
    for stream, path in zip((sys.stdout, sys.stderr), streams, strict=True):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    if killed_after is not None:
        _kill_after(*killed_after)
    is_module = words[0] == "-m"
    sys.argv = list(words[1:] if is_module else words)
    sys.path.insert(0, str(cwd if is_module else Path(words[0]).parent))
    try:
        if is_module:
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # a forked process ends without them


def _kill_after(place: str, calls: int) -> None:
    """Have this process killed when a function returns for the last of so many calls."""
    module, _, names = place.partition(":")
    *holders, name = names.split(".")
    owner = functools.reduce(getattr, holders, importlib.import_module(module))
    function, lock, left = getattr(owner, name), threading.Lock(), calls

    @functools.wraps(function)
    def watch(*given: object, **options: object) -> object:
        nonlocal left
        result = function(*given, **options)
        with lock:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, watch)
