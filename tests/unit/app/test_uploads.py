import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceproof.app.uploads import Guard, is_upload, list_files, sweep


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc/face.jpg").write_bytes(b"face")
    return tmp_path.resolve()


def test_an_upload_is_one_file_in_a_folder_of_its_own(uploads: Path) -> None:
    assert is_upload(f"{uploads}/abc/face.jpg", uploads)
    (uploads / "abc/link.jpg").symlink_to("/etc/hostname")
    for path in (
        uploads, uploads / "abc", "/etc/hostname", uploads / "abc/link.jpg",
        uploads / "no/face.jpg", f"{uploads}/abc/../abc/face.jpg", "abc/face.jpg",
        "", "http://x/y", "a\0b", "x" * 5000,
    ):  # fmt: skip
        assert not is_upload(str(path), uploads)


def ask(guard: Guard, body: bytes, path: str = "/gradio_api/call/judge") -> int:
    """Send a request in two pieces; the status of the answer."""
    pieces = [
        {"type": "http.request", "body": body[:5], "more_body": True},
        {"type": "http.request", "body": body[5:], "more_body": False},
    ]
    said: list[Any] = []

    async def receive() -> Any:
        return pieces.pop(0)

    async def send(message: Any) -> None:
        said.append(message)

    asyncio.run(guard({"type": "http", "method": "POST", "path": path}, receive, send))
    return int(said[0]["status"])


async def echo(
    scope: object, receive: Callable[[], Any], send: Callable[[dict[str, object]], Any]
) -> None:
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message["more_body"]:
            break
    await send({"type": "http.response.start", "status": 200 if body else 500})


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ([{"path": "{uploads}/abc/face.jpg", "url": None}], 200),
        ([{"path": None}, "text", 3], 200),
        ([[{"deep": [{"path": "/etc/hostname"}]}]], 403),
        ([{"path": "{uploads}"}], 403),
        ([{"path": ["a", "list"]}], 403),
    ],
)
def test_requests_may_name_uploads_alone(uploads: Path, data: object, status: int) -> None:
    body = json.dumps({"data": data}).replace("{uploads}", str(uploads)).encode()
    assert ask(Guard(echo, uploads), body) == status


def test_what_is_long_or_no_json_is_refused_but_for_uploads(uploads: Path) -> None:
    for body in (b'"' + b"x" * (2 << 20) + b'"', b"--boundary\r\nvideo"):
        assert ask(Guard(echo, uploads), body) == 403
        assert ask(Guard(echo, uploads), body, "/gradio_api/upload") == 200


def test_old_files_go_and_what_was_there_stays(uploads: Path) -> None:
    new, old = uploads / "new.jpg", uploads / "abc/old.jpg"
    kept = list_files(uploads)
    new.write_bytes(b"new")
    old.write_bytes(b"old")
    os.utime(old, (0, 0))
    os.utime(uploads / "abc/face.jpg", (0, 0))
    sweep(uploads, kept, kept_seconds=60)
    assert not old.exists()
    assert new.exists()
    assert (uploads / "abc/face.jpg").exists()
