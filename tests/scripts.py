"""Scripts of the repository, run in processes of their own by a server that forks.

The server has imported the large libraries once; for a small command that is most of the time.
What is ours is imported anew in every run. Environments that a library reads as it is imported,
like the Hub's address, come too late here: such tests start Python themselves.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "datasets", "evaluate", "matplotlib.pyplot", "sklearn.feature_extraction.text",
        "sklearn.linear_model", "torch._dynamo", "transformers.trainer",
    ]
)  # fmt: skip


def run_forked(words: tuple[str, ...], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with its words as `python script words` would, and wait for its end."""
    with tempfile.TemporaryDirectory() as folder:
        said, errors = Path(folder, "stdout"), Path(folder, "stderr")
        process = _FORKS.Process(target=_run, args=(words, cwd, dict(os.environ), said, errors))
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(
            words, process.exitcode, said.read_text(), errors.read_text()
        )


_KILL = """
import functools, importlib, os, runpy, signal, sys, threading
place, calls, *sys.argv = sys.argv[1:]
module, _, names = place.partition(":")
*holders, name = names.split(".")
owner = functools.reduce(getattr, holders, importlib.import_module(module))
function, lock, left = getattr(owner, name), threading.Lock(), int(calls)

@functools.wraps(function)
def watch(*words, **options):
    global left
    result = function(*words, **options)
    with lock:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, name, watch)
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run_until_killed(place: str, calls: int, words: Sequence[str], cwd: Path) -> None:
    """Run a script that is killed without warning as soon as a function has returned so often.

    Args:
        place: the function, as `module:name` or `module:Class.name`; its caller must look it up
            there.
        calls: of it.
        words: the script and its words.
        cwd: to run in.
    """
    done = subprocess.run(
        [sys.executable, "-c", _KILL, place, str(calls), *words],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


def _run(
    words: tuple[str, ...], cwd: Path, environment: dict[str, str], said: Path, errors: Path
) -> None:
    atexit._clear()  # what the server would do at its own end
    for stream, path in ((sys.stdout, said), (sys.stderr, errors)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), stream.fileno())
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(words)
    sys.path.insert(0, str(Path(words[0]).parent))
    try:
        runpy.run_path(words[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # a forked process ends without them
