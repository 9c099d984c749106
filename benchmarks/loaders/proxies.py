"""A proxy on loopback that makes a server far away: every request waits before it is passed on.

It counts requests and bytes, so that what an epoch costs at a price list is measured too. What
comes back is not delayed and not limited: latency is shown, bandwidth is not.
"""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from typing import Any

_VERBS = (b"GET ", b"HEAD", b"PUT ", b"POST", b"DELE")
_READ_BYTES = 1 << 18
_HIGH_WATER_BYTES = 4 << 20


@dataclass(frozen=True)
class Proxy:
    """A running proxy: its address, and what has gone through."""

    url: str
    process_id: int
    _requests: "Synchronized[int]"
    _received: "Synchronized[int]"

    def count(self) -> tuple[int, int]:
        """Requests, and bytes that came back, since the start."""
        return self._requests.value, self._received.value


@contextmanager
def start_proxy(port: int, latency_seconds: float) -> Iterator[Proxy]:
    """Pass on requests to a port of this machine, each after a wait, until the block ends."""
    context = multiprocessing.get_context("spawn")
    requests, received = context.Value("q", 0), context.Value("q", 0)
    listening = context.Queue()
    process = context.Process(
        target=_serve, args=(port, latency_seconds, listening, requests, received), daemon=True
    )
    process.start()
    try:
        url = f"http://127.0.0.1:{listening.get(timeout=30)}"
        yield Proxy(url, process.pid or 0, requests, received)
    finally:
        process.kill()
        process.join()


def _serve(port: int, latency: float, listening: Any, requests: Any, received: Any) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Incoming(port, latency, requests, received), "127.0.0.1", 0, backlog=512
        )
        listening.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


class _Incoming(asyncio.Protocol):
    """From the client: delayed, counted, passed on in order."""

    def __init__(self, port: int, latency: float, requests: Any, received: Any) -> None:
        self._port, self._latency = port, latency
        self._requests, self.received = requests, received
        self._waiting: list[bytes] = []
        self._server: asyncio.WriteTransport | None = None
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)
        self._task = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            server, _ = await loop.create_connection(
                lambda: _Returning(self), "127.0.0.1", self._port
            )
        except OSError:
            self.transport.abort()
            return
        self._server = server
        for data in self._waiting:
            server.write(data)
        self._waiting = []

    def data_received(self, data: bytes) -> None:
        if data[:4] in _VERBS:
            with self._requests.get_lock():
                self._requests.value += 1
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._pass_on, data)
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self._server is None:
            self._waiting.append(data)
        elif not self._server.is_closing():
            self._server.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._server is not None:
            self._server.close()

    def pause_writing(self) -> None:
        if self._server is not None:
            self._server.pause_reading()  # type: ignore[attr-defined]  # a socket reads too

    def resume_writing(self) -> None:
        if self._server is not None:
            self._server.resume_reading()  # type: ignore[attr-defined]  # a socket reads too


class _Returning(asyncio.Protocol):
    """From the server: counted and passed on at once."""

    def __init__(self, incoming: _Incoming) -> None:
        self._incoming = incoming

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.max_size = _READ_BYTES  # type: ignore[attr-defined]  # of a socket transport

    def data_received(self, data: bytes) -> None:
        with self._incoming.received.get_lock():
            self._incoming.received.value += len(data)
        self._incoming.transport.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._incoming.transport.close()
