"""What visitors upload: deleted after some minutes, and nobody's but of who uploaded it."""

import json
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SWEEP_SECONDS = 30.0
_MOST_BYTES = 1 << 20  # of a request that is no upload

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


@contextmanager
def sweeping(
    folder: Path, kept_seconds: float, every_seconds: float = _SWEEP_SECONDS
) -> Iterator[None]:
    """Delete files of a folder that grow older than `kept_seconds`, while the block lasts.

    What lies there at the start stays.
    """
    kept, is_over = list_files(folder), threading.Event()

    def work() -> None:
        while not is_over.wait(every_seconds):
            sweep(folder, kept, kept_seconds)

    thread = threading.Thread(target=work, name="sweeping uploads", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def list_files(folder: Path) -> set[Path]:
    """The files that lie in a folder now."""
    return {path for path in folder.rglob("*") if path.is_file()}


def sweep(folder: Path, kept: Set[Path], kept_seconds: float) -> None:
    """Delete the files of a folder that are older than `kept_seconds`, but those in `kept`."""
    for path in sorted(list_files(folder) - kept):
        if time.time() - path.stat().st_mtime > kept_seconds:
            path.unlink(missing_ok=True)


def is_upload(path: str, folder: Path) -> bool:
    """Whether a path is that of one uploaded file: `<folder>/<hash>/<name>`, and no link."""
    place = Path(path)
    try:
        return place.resolve() == place and place.parent.parent == folder and place.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return False


class Guard:
    """ASGI middleware that answers 403 to a request which names a file that nobody uploaded.

    Gradio would take its whole folder of uploads for one, read any file of the server that is
    named without its mark, and fetch addresses without a limit.
    """

    def __init__(self, app: Application, folder: Path) -> None:
        """Stand before an application; `folder` is that of the uploads, resolved."""
        self._app, self._folder = app, folder

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        is_asked = scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if not is_asked or scope["path"].endswith("/upload"):
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None or not self._is_fine(body):
            logger.warning("refused a request that names what nobody uploaded")
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"refused"})
            return
        await self._app(scope, _replay(body, receive), send)

    def _is_fine(self, body: bytes) -> bool:
        try:
            asked = json.loads(body)
        except ValueError:
            return not body  # all it is asked but uploads is JSON
        return all(is_upload(path, self._folder) for path in _list_paths(asked))


def _list_paths(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "path" and inner is not None:
                yield str(inner)
            else:
                yield from _list_paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _list_paths(inner)


async def _read(receive: Receive) -> bytes | None:
    """The body of a request, None where it is too long or its client left."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if message["type"] != "http.request" or len(body) > _MOST_BYTES:
            return None
        if not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body once more, then what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def take() -> Message:
        return waiting.pop() if waiting else await receive()

    return take
