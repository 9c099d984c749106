"""A Hub on loopback, in memory: the endpoints that pushing, loading and streaming ask for.

Tests only. What it leaves out: branches, pull requests, access rights, multipart uploads, xet.
"""

import base64
import hashlib
import json
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Condition, Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_loopback"
_LARGE = (".parquet", ".safetensors", ".zip", ".onnx", ".bin")  # what goes by LFS
_API = re.compile(
    r"^/api/(models|datasets|spaces)/([^/]+/[^/]+?)(?:/(\w[\w-]*)(?:/([^/]+)(?:/(.*))?)?)?$"
)
_FILE = re.compile(r"^/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")
_LFS = re.compile(r"^/(?:(?:datasets|spaces)/)?[^/]+/[^/]+\.git/info/lfs/objects/batch$")


@dataclass
class Repository:
    """Files by path, and a hash that changes with every commit."""

    files: dict[str, bytes] = field(default_factory=dict)
    sha: str = "0" * 40


@dataclass
class Hub:
    """What the server holds: repositories by (kind, name), large objects by hash, requests."""

    url: str = ""
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    _gate: Condition = field(default_factory=Condition)
    _free: int | None = None
    _held: int = 0
    _passed: int = 0  # the gate, and are not yet kept

    def environment(self, home: Path) -> dict[str, str]:
        """Variables that send the HF libraries here; to be set before they are imported."""
        return {
            "HF_ENDPOINT": self.url, "HF_TOKEN": TOKEN, "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": "0",
        }  # fmt: skip

    def let_through(self, count: int | None) -> None:
        """Take so many more large objects and hold the rest; None takes all, held ones too."""
        with self._gate:
            self._free = count
            self._gate.notify_all()

    def wait_until_holding(self) -> None:
        """Wait until an object waits, and all that may pass have passed and are kept."""
        with self._gate:
            self._gate.wait_for(lambda: self._held > 0 and self._free == 0 == self._passed)

    def pass_gate(self) -> None:
        """Wait until one more object may be taken."""
        with self._gate:
            self._held += 1
            self._gate.notify_all()
            self._gate.wait_for(lambda: self._free != 0)
            self._held -= 1
            self._passed += 1
            self._free = None if self._free is None else self._free - 1
            self._gate.notify_all()

    def leave_gate(self) -> None:
        """Say that an object that passed was dealt with."""
        with self._gate:
            self._passed -= 1
            self._gate.notify_all()

    def files(self, kind: str, name: str) -> dict[str, bytes]:
        """The files of a repository."""
        return self.repositories[kind, name].files


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._route("GET")

    def do_HEAD(self) -> None:
        self._route("HEAD")

    def do_POST(self) -> None:
        self._route("POST")

    def do_PUT(self) -> None:
        body = self._body()
        self.hub.pass_gate()
        if not self._has_left():
            self.hub.objects[self.path.rsplit("/", 1)[1]] = body
            self.hub.asked.append(f"PUT {self.path}")
            self.hub.leave_gate()
            self._answer(200, b"")
        else:
            self.hub.leave_gate()

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002  # its name there
        pass

    def _has_left(self) -> bool:
        """Whether the client is gone: of what it sent nothing counts."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""

    def _route(self, verb: str) -> None:
        path = unquote(urlsplit(self.path).path)
        with self.hub.lock:
            self.hub.asked.append(f"{verb} {path}")
            if path == "/api/whoami-v2":
                self._json({"name": "user", "type": "user", "orgs": [], "auth": {}})
            elif path == "/api/repos/create":
                self._create()
            elif path == "/api/validate-yaml":
                self._body()
                self._json({"errors": [], "warnings": []})
            elif _LFS.match(path):
                self._offer_uploads()
            elif found := _FILE.match(path):
                self._send_file(verb, found)
            elif found := _API.match(path):
                self._serve_repository(found)
            else:
                self._body()
                self._refuse("EntryNotFound")

    def _create(self) -> None:
        asked = json.loads(self._body())
        owner = asked.get("organization") or "user"
        key = (f"{asked.get('type') or 'model'}s", f"{owner}/{asked['name']}")
        known = key in self.hub.repositories
        self.hub.repositories.setdefault(key, Repository())
        prefix = "" if key[0] == "models" else f"{key[0]}/"
        self._json({"url": f"{self.hub.url}/{prefix}{key[1]}"}, 409 if known else 200)

    def _offer_uploads(self) -> None:
        asked = json.loads(self._body())
        offered = []
        for one in asked["objects"]:
            actions = {"upload": {"href": f"{self.hub.url}/objects/{one['oid']}"}}
            is_known = one["oid"] in self.hub.objects
            offered.append({**one, **({} if is_known else {"actions": actions})})
        self._json({"transfer": "basic", "objects": offered})

    def _serve_repository(self, found: re.Match[str]) -> None:
        kind, name, action, _, rest = found.groups()
        body = self._body()
        repository = self.hub.repositories.get((kind, name))
        if repository is None:
            self._refuse("RepoNotFound")
        elif action == "preupload":
            self._json({"files": [_choose_mode(one["path"]) for one in json.loads(body)["files"]]})
        elif action == "commit":
            self._commit(repository, body, f"{kind}/{name}".removeprefix("models/"))
        elif action == "tree":
            entries = _list_tree(repository, rest or "", "recursive=" in self.path.lower())
            if rest and not entries:
                self._refuse("EntryNotFound")
            else:
                self._json(entries)
        elif action == "paths-info":
            paths = _read_paths(body)
            entries = _list_tree(repository, "", recursive=True)
            self._json([entry for entry in entries if entry["path"] in paths])
        elif action == "refs":
            branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.sha}
            self._json({"branches": [branch], "tags": [], "converts": []})
        elif action in (None, "revision"):
            self._json(_describe(name, repository))
        else:
            self._refuse("EntryNotFound")

    def _commit(self, repository: Repository, body: bytes, place: str) -> None:
        for line in body.splitlines():
            step = json.loads(line)
            value = step["value"]
            if step["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif step["key"] == "lfsFile":
                repository.files[value["path"]] = self.hub.objects[value["oid"]]
            elif step["key"] in ("deletedFile", "deletedFolder"):
                gone = value["path"].rstrip("/")
                for path in list(repository.files):
                    if path == gone or path.startswith(f"{gone}/"):
                        del repository.files[path]
        repository.sha = hashlib.sha1(
            repository.sha.encode() + body
        ).hexdigest()  # as git names commits
        url = f"{self.hub.url}/{place}/commit/{repository.sha}"
        self._json({"success": True, "commitOid": repository.sha, "commitUrl": url})

    def _send_file(self, verb: str, found: re.Match[str]) -> None:
        kind, name, _, path = found.groups()
        repository = self.hub.repositories.get((kind or "models", name))
        if repository is None or path not in repository.files:
            self._refuse("RepoNotFound" if repository is None else "EntryNotFound")
            return
        data, status = repository.files[path], 200
        digest = hashlib.sha256(data).hexdigest()
        headers = {
            "X-Repo-Commit": repository.sha, "ETag": f'"{digest}"', "Accept-Ranges": "bytes",
            "X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{digest}"',
        }  # fmt: skip
        asked = re.match(r"bytes=(\d+)-(\d*)$", self.headers.get("Range") or "")
        if asked:
            start, end = int(asked[1]), int(asked[2] or len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{min(end, len(data) - 1)}/{len(data)}"
            data, status = data[start : end + 1], 206
        self._answer(status, data, headers, send_body=verb == "GET")

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or ""):
            pieces = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _refuse(self, code: str) -> None:
        self._answer(404, b"{}", {"X-Error-Code": code, "X-Error-Message": code})

    def _json(self, value: Any, status: int = 200) -> None:
        self._answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _answer(
        self,
        status: int,
        data: bytes,
        headers: dict[str, str] | None = None,
        send_body: bool = True,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if send_body and self.command != "HEAD":
            self.wfile.write(data)


def _choose_mode(path: str) -> dict[str, object]:
    mode = "lfs" if path.endswith(_LARGE) else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False}


def _read_paths(body: bytes) -> set[str]:
    """Paths of a request, as JSON or as a form."""
    try:
        paths = json.loads(body)["paths"]
    except ValueError:
        paths = [unquote(part[6:]) for part in body.decode().split("&") if part[:6] == "paths="]
    return {paths} if isinstance(paths, str) else set(paths)


def _list_tree(repository: Repository, folder: str, recursive: bool) -> list[dict[str, object]]:
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    entries: dict[str, dict[str, object]] = {}
    for path, data in sorted(repository.files.items()):
        if not path.startswith(prefix):
            continue
        parts = path[len(prefix) :].split("/")
        for depth in range(1, len(parts)) if recursive else ([1] if len(parts) > 1 else []):
            above = prefix + "/".join(parts[:depth])
            entries[above] = {"type": "directory", "path": above, "oid": "0" * 40, "size": 0}
        if recursive or len(parts) == 1:
            entries[path] = _describe_file(path, data)
    return list(entries.values())


def _describe_file(path: str, data: bytes) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    entry: dict[str, object] = {"type": "file", "path": path, "oid": digest[:40], "size": len(data)}
    if path.endswith(_LARGE):
        entry["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 130}
    return entry


def _describe(name: str, repository: Repository) -> dict[str, object]:
    siblings = [{"rfilename": path} for path in sorted(repository.files)]
    return {
        "_id": "0", "id": name, "modelId": name, "author": name.split("/", maxsplit=1)[0],
        "sha": repository.sha, "siblings": siblings, "private": False, "gated": False,
        "disabled": False, "tags": [], "downloads": 0, "likes": 0,
        "lastModified": "2026-11-22T00:00:00.000Z", "createdAt": "2026-11-22T00:00:00.000Z",
        "pipeline_tag": "image-classification",
    }  # fmt: skip


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Run the server in a thread while the block lasts."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
