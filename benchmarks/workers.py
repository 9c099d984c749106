"""Long tasks side by side, a process and a thread each."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

import torch

from faceproof.console import progress
from faceproof.memory import keep_freed_memory


def run_tasks(
    work: Callable[..., None],
    tasks: Sequence[tuple[object, ...]],
    processes: int,
    title: str,
    unit: str,
) -> None:
    """Call `work` once for each task; each call leaves files, nothing comes back.

    A call that raises stops those that wait, and what it raised is raised here.

    Args:
        work: a function of a module.
        tasks: the arguments of each call; they are sent to another process.
        processes: calls at a time.
        title: for the progress bar.
        unit: for the progress bar.
    """
    context = multiprocessing.get_context("spawn")  # a forked torch hangs
    with ProcessPoolExecutor(processes, context, _start_worker) as workers:
        waiting = [workers.submit(work, *task) for task in tasks]
        try:
            for done in progress(as_completed(waiting), title, unit, len(waiting)):
                done.result()
        finally:  # a task that failed must not wait for hours of others
            workers.shutdown(cancel_futures=True)


def _start_worker() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
