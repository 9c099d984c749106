"""Logging, progress bars and exit codes: how scripts speak to a person at a terminal."""

import logging
import os
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

from tqdm.auto import tqdm

from faceproof.errors import FaceProofError

T = TypeVar("T")

EXIT_REFUSED = 1
EXIT_FINDINGS = 3
EXIT_INTERRUPTED = 130  # 128 + SIGINT, the shell's convention
_LOG_SECONDS = 10.0
_QUIET_SECONDS = 1.0  # what ends before needs no bar

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

    A `FaceProofError` becomes one line on stderr and code 1, Ctrl-C a line and code 130;
    programming errors keep their traceback.
    """
    start()
    try:
        code = main()
    except FaceProofError as error:
        sys.stderr.write("error: " + " ".join(str(error).split()) + "\n")
        code = EXIT_REFUSED
    except KeyboardInterrupt:
        sys.stderr.write("stopped by Ctrl-C; nothing half-written was kept\n")
        code = EXIT_INTERRUPTED
    sys.exit(code)
