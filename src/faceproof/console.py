"""Logging, progress bars and exit codes: how scripts speak to a person at a terminal."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from tqdm.auto import tqdm

from faceproof.errors import FaceProofError

T = TypeVar("T")

EXIT_REFUSED = 1
EXIT_FINDINGS = 3
EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shell's convention
EXIT_TERMINATED = 143  # 128 + SIGTERM
_LOG_SECONDS = 10.0
_QUIET_SECONDS = 1.0  # what ends before needs no bar

_SAID = 300  # characters of a library's own words that are passed on
_REPORT = "this is a fault of faceproof; please report it with the lines below\n"
# Libraries whose failures come from files, stores and the network: not a fault of ours.
_FOREIGN = frozenset(
    (
        "PIL", "botocore", "daft", "duckdb", "httpx2", "huggingface_hub", "lzma", "obstore",
        "pyarrow", "pyo3_runtime", "requests", "safetensors_rust", "urllib3", "zipfile", "zlib",
    )
)  # fmt: skip
_PACKAGE = __name__.split(".", maxsplit=1)[0]


def is_main_process() -> bool:
    """True in the process that may speak and write (rank 0 of a distributed run)."""
    return int(os.environ.get("RANK", "0")) == 0


def start() -> None:
    """Send log lines to stderr; call once, in `main`.

    Libraries are heard from WARNING on; other ranks than the first from ERROR on.
    """
    ours, others = logging.INFO, logging.WARNING
    if not is_main_process():
        ours = others = logging.ERROR
    logging.basicConfig(level=others, format="%(levelname)-7s %(message)s", stream=sys.stderr)
    logging.getLogger(_PACKAGE).setLevel(ours)


def progress(
    things: Iterable[T], description: str, unit: str, total: int | None = None
) -> Iterable[T]:
    """Show a bar on stderr while `things` are consumed; a line now and then where it is a log."""
    bar: Iterable[T] = tqdm(
        things,
        desc=description,
        unit=f" {unit}",
        total=total,
        disable=not is_main_process(),
        mininterval=0.1 if sys.stderr.isatty() else _LOG_SECONDS,
        delay=_QUIET_SECONDS,
    )
    return bar


def say(text: str) -> None:
    """Print a line of the script's result to stdout."""
    if is_main_process():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def run(main: Callable[[], int]) -> None:
    """Run a script's `main` and leave with its exit code.

    What a user can put right becomes one line on stderr and code 1, also where a library or the
    system refused; Ctrl-C and SIGTERM become a line and the shell's code for them. A traceback is
    ours, and asks for a report.
    """
    start()
    _end_politely()
    try:
        code = main()
    except FaceProofError as error:
        code = _refuse(str(error))
    except KeyboardInterrupt:
        code = _refuse("stopped by Ctrl-C; nothing half-written was kept", EXIT_INTERRUPTED, "")
    except Terminated:
        code = _refuse("stopped by SIGTERM; nothing half-written was kept", EXIT_TERMINATED, "")
    except BrokenPipeError:  # who read our output has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = EXIT_REFUSED
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        said = describe_foreign(error)
        if said is None:
            sys.stderr.write(_REPORT)
            raise
        code = _refuse(said)
    sys.exit(code)


class Terminated(BaseException):
    """SIGTERM came: unwinds like Ctrl-C, so that what is half-written goes."""


def describe_foreign(error: BaseException) -> str | None:
    """A failure of the system or of a library in one sentence; None where the fault may be ours.

    The library's errors are known by the package that defines them, so that none is imported here.
    """
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "the memory of this machine is full; use fewer workers or a smaller batch"
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] != _PACKAGE:
        return f"{error.name} is not installed; `make install` installs everything"
    packages = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    if isinstance(error, OSError) or packages & _FOREIGN:
        first = " ".join(str(error).partition("Debug source")[0].split())[:_SAID]
        return first or type(error).__name__
    return None


def _end_politely() -> None:
    """Turn SIGTERM into an exception in this process; its children end as they always do."""
    owner = os.getpid()

    def end(number: int, frame: object) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise Terminated

    signal.signal(signal.SIGTERM, end)


def _refuse(text: str, code: int = EXIT_REFUSED, prefix: str = "error: ") -> int:
    sys.stderr.write(prefix + " ".join(text.split()) + "\n")
    return code
