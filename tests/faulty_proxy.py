"""A proxy on loopback that spoils answers of an S3 server: what happens on a real wire."""

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = Literal["503", "500", "403", "reset", "truncated", "wrong bytes", "slow"]
Plan = Callable[[str, int], Fault | None]

_REFUSED = b"<Error><Code>Fault</Code></Error>"
_OURS = ("transfer-encoding", "connection", "content-length")  # headers we write ourselves


@dataclass
class FaultyProxy:
    """Where it listens, how often each part of a path was asked for, which faults were made.

    A part is what lies before a last byte: a reader that goes on after a broken answer asks from
    another first byte.
    """

    port: int  # of the server
    plan: Plan
    url: str = ""
    asked: dict[tuple[str, str], int] = field(default_factory=dict)
    made: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, path: str, span: str) -> Fault | None:
        """What to do to the next answer for a path and a `Range`."""
        part = path, span.rpartition("-")[2]
        with self.lock:
            before = self.asked.get(part, 0)
            self.asked[part] = before + 1
            fault = self.plan(path, before)
            if fault is not None:
                self.made.append(fault)
        return fault


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultyProxy

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        fault = self.proxy.choose(self.path.partition("?")[0], self.headers.get("Range", ""))
        if fault == "reset":
            linger = struct.pack("ii", 1, 0)  # close with RST
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
        elif fault in ("503", "500", "403"):
            self.send(int(fault), {}, _REFUSED)
        else:
            self.pass_on(fault)

    def do_HEAD(self) -> None:
        self.do_GET()

    def pass_on(self, fault: Fault | None) -> None:
        if fault == "slow":  # the answer does not come while anybody waits for it
            self.connection.recv(1)
            self.close_connection = True
            return
        server = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=30)
        server.request(self.command, self.path, headers=dict(self.headers.items()))
        answer = server.getresponse()
        body = answer.read()
        headers = {name: one for name, one in answer.getheaders() if name.lower() not in _OURS}
        headers["Content-Length"] = answer.headers["Content-Length"] or str(len(body))
        server.close()
        if fault == "wrong bytes":
            body = body[: len(body) // 2] + bytes(len(body) - len(body) // 2)
        if fault == "truncated":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.send(answer.status, headers, body)

    def send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def start_faulty_proxy(port: int, plan: Plan) -> Iterator[FaultyProxy]:
    """Pass GETs on to a port of this machine, but do what the plan says.

    Args:
        port: of the server.
        plan: from a path and how often this part of it was asked for before, to a fault or nothing.
    """
    proxy = FaultyProxy(port, plan)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
