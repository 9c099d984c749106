"""The one door to object stores: S3, HTTP servers and local folders, read by byte range.

Requests go through obstore, which retries what can pass. Its threads do not live on in a forked
process; there botocore and requests read instead, slower and as safe, and nothing is written.
"""

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import obstore
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from obstore import store as stores
from obstore.exceptions import AlreadyExistsError, BaseError

from faceproof.errors import MissingError, StorageError
from faceproof.storage import claim_folder

if TYPE_CHECKING:
    from obstore.store import ClientConfig

_READ_BYTES = 8 << 20
_REGION = "us-east-1"  # where none is stated; servers that are not Amazon's do not look
_REFUSALS = (BaseError, OSError, ValueError, ClientError, BotoCoreError)
_FORKED_SECONDS = 60  # of a request in a forked process
_SAID = 300  # characters of a store's own words that are passed on
_CLIENTS = 16  # of S3 that a process keeps
_S3, _WEB = "s3://", ("http://", "https://")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Endpoint:
    """Where an S3 server is and how to enter; the secret never shows in logs or tracebacks."""

    url: str
    key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)  # of keys that end after some hours

    def storage_options(self) -> dict[str, object]:
        """Keyword arguments for `s3fs` and `load_dataset(storage_options=...)`; a fresh copy."""
        once = {"retries": {"total_max_attempts": 1, "mode": "standard"}}  # s3fs tries five times
        return {
            "key": self.key, "secret": self.secret, "token": self.token or None,
            "endpoint_url": self.url or None, "config_kwargs": once,
        }  # fmt: skip


def read_endpoint() -> Endpoint | None:
    """The server that AWS's own variables name, None where they name no keys.

    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, perhaps AWS_SESSION_TOKEN, and AWS_ENDPOINT_URL for
    servers not Amazon's.
    """
    key, secret = (os.environ.get(f"AWS_{name}") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if not key or not secret:
        return None
    token = os.environ.get("AWS_SESSION_TOKEN", "")
    url = os.environ.get("AWS_ENDPOINT_URL", "")
    if url and not url.startswith(_WEB):
        raise StorageError(f"AWS_ENDPOINT_URL is {url}; it must begin with http:// or https://")
    return Endpoint(url, key, secret, token)


@dataclass(frozen=True)
class Patience:
    """How long a store may take, and how often it is asked again.

    Asked again: answers of 5xx, broken connections, timeouts; after waits that double from
    `first_wait_seconds` to `longest_wait_seconds`, with jitter.
    """

    tries: int = 6
    first_wait_seconds: float = 0.1
    longest_wait_seconds: float = 5.0
    timeout_seconds: float = 60.0  # of one request, its body too

    def to_options(self) -> dict[str, Any]:
        """As obstore takes them."""
        backoff = {
            "init_backoff": timedelta(seconds=self.first_wait_seconds),
            "max_backoff": timedelta(seconds=self.longest_wait_seconds),
            "base": 2,
        }
        whole = timedelta(seconds=self.timeout_seconds * self.tries)
        retries = {"max_retries": self.tries - 1, "retry_timeout": whole, "backoff": backoff}
        return {"retry_config": retries}

    def to_limits(self) -> "ClientConfig":
        """As obstore's HTTP client takes them."""
        return {"timeout": timedelta(seconds=self.timeout_seconds)}


@dataclass(frozen=True, order=True)
class StoredObject:
    """An object by its key below the bucket's address; the tag changes with its content."""

    key: str
    size_bytes: int
    tag: str


class Bucket:
    """Objects below one address. Errors come back as `StorageError`, without credentials.

    May be pickled and forked: every process makes a client of its own when it first asks.
    """

    def __init__(
        self, address: str, endpoint: Endpoint | None = None, patience: Patience | None = None
    ) -> None:
        """Name a place; nothing is asked of it yet.

        Args:
            address: `s3://bucket/prefix`, `https://host/path` or a local folder.
            endpoint: of S3; by default what the AWS variables say, or no signature at all.
            patience: with a slow or failing store.
        """
        _refuse_unknown(address)
        is_away = address.startswith((_S3, *_WEB))
        folder = Path(address).expanduser()
        self.address = address.rstrip("/") if is_away else str(folder.resolve())
        self._endpoint = endpoint
        self._patience = patience or Patience()
        self._client: Any = None
        self._owner = 0

    def __getstate__(self) -> dict[str, Any]:
        """All but the client."""
        return {**self.__dict__, "_client": None, "_owner": 0}

    def create(self) -> None:
        """Create the bucket or folder; one that exists already is kept."""
        with self._explained("create"):
            if not self._is_s3:
                Path(self.address).mkdir(parents=True, exist_ok=True)
                return
            s3, name = self._open_botocore(), self.address.removeprefix(_S3).partition("/")[0]
            try:
                s3.head_bucket(Bucket=name)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.NOT_FOUND:
                    raise
                s3.create_bucket(Bucket=name)

    def put(self, key: str, data: bytes | Path) -> bool:
        """Write an object unless `key` exists already (`If-None-Match: *`).

        Returns:
            True if this call wrote the object, False if it was there.
        """
        with self._explained("put", key):
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
            try:
                obstore.put(self._connect(), key, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def get(self, key: str) -> bytes:
        """A whole object; of a folder, a file behind links too, whatever its name."""
        with self._explained("read", key):
            if self.folder is not None:
                return _Forked(self.address, None).read(key)
            client = self._connect(is_reading=True)
            if isinstance(client, _Forked):
                return client.read(key)
            return bytes(obstore.get(client, key).bytes())

    def read(self, key: str, start: int, end: int) -> memoryview:
        """Bytes `start` to before `end` of an object, in one request."""
        with self._explained("read", key):
            client = self._connect(is_reading=True)
            if isinstance(client, _Forked):
                return memoryview(client.read(key, start, end))
            return memoryview(obstore.get_range(client, key, start=start, end=end))

    def has(self, key: str) -> bool:
        """True if the object exists."""
        with self._explained("look for", key):
            try:
                obstore.head(self._connect(), key)
            except FileNotFoundError:
                return False
        return True

    def list(self, prefix: str = "") -> "list[StoredObject]":
        """What lies below a prefix, by key."""
        found = []
        with self._explained("list", prefix):
            for page in obstore.list(self._connect(), prefix or None):
                found += [StoredObject(one["path"], one["size"], str(one["e_tag"])) for one in page]
        return sorted(found)

    def hash(self, key: str) -> str:
        """SHA-256 of an object's bytes, read in pieces, hexadecimal."""
        digest = hashlib.sha256()
        with self._explained("read", key):
            for piece in obstore.get(self._connect(), key).stream(min_chunk_size=_READ_BYTES):
                digest.update(memoryview(piece))
        return digest.hexdigest()

    def url(self, key: str) -> str:
        """The object's address as `load_dataset` and `fsspec` take it."""
        return f"{self.address}/{key}"

    @property
    def is_web(self) -> bool:
        """True for an HTTP server, which cannot be listed."""
        return self.address.startswith(_WEB)

    @property
    def folder(self) -> Path | None:
        """The folder of this machine; None for a place elsewhere."""
        return None if self._is_s3 or self.is_web else Path(self.address)

    def claim(self) -> None:
        """Make a folder ours to write a store into.

        Raises:
            StorageError: it holds files that are not ours.
        """
        if self.folder is not None:
            claim_folder(self.folder)

    @property
    def _is_s3(self) -> bool:
        return self.address.startswith(_S3)

    def _connect(self, is_reading: bool = False) -> Any:
        """This process's client."""
        if self._owner != os.getpid():
            self._client = self._open()
            self._owner = os.getpid()
        if isinstance(self._client, _Forked) and not is_reading:
            raise StorageError(
                f"{self.address} can only be read in a forked process; use spawn or forkserver"
            )
        return self._client

    def _open(self) -> Any:
        if _Runtime.is_lost():
            logger.debug("%s is read by botocore: this process was forked", self.address)
            return _Forked(self.address, self._open_botocore() if self._is_s3 else None)
        if self._is_s3:
            place = self._endpoint or read_endpoint()
            return _open_s3(self.address, place, _read_region(), self._patience, os.getpid())
        options, limits = self._patience.to_options(), self._patience.to_limits()
        if self.address.startswith(_WEB):
            limits["allow_http"] = self.address.startswith("http://")
            return stores.HTTPStore(self.address, client_options=limits, **options)
        if not Path(self.address).is_dir():
            raise FileNotFoundError(self.address)
        return stores.LocalStore(self.address)

    def _open_botocore(self) -> Any:
        place = self._endpoint or read_endpoint()
        config = Config(
            signature_version=UNSIGNED if place is None else "s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": self._patience.tries, "mode": "standard"},
            read_timeout=self._patience.timeout_seconds,
        )
        entry = {} if place is None else {
            "endpoint_url": place.url or None,
            "aws_access_key_id": place.key, "aws_secret_access_key": place.secret,
                "aws_session_token": place.token or None,
        }  # fmt: skip
        return Session().create_client("s3", region_name=_read_region(), config=config, **entry)

    @contextmanager
    def _explained(self, action: str, key: str = "") -> Iterator[None]:
        where = f"{key} in {self.address}" if key else self.address
        try:
            yield
        except _REFUSALS as error:
            if _is_missing(error):
                raise MissingError(f"cannot {action} {where}: it is not there") from None
            raise StorageError(
                f"cannot {action} {where}: {_say(error)}; check address and keys"
            ) from None  # the store's own words may hold what was sent


class _Forked:
    """Reads where obstore's threads were lost to a fork."""

    def __init__(self, address: str, s3: Any) -> None:
        self._address, self._s3 = address, s3

    def read(self, key: str, start: int | None = None, end: int | None = None) -> bytes:
        """A whole object, or some of its bytes."""
        span = {} if start is None or end is None else {"Range": f"bytes={start}-{end - 1}"}
        if self._s3 is not None:
            name, _, prefix = self._address.removeprefix(_S3).partition("/")
            place = f"{prefix}/{key}".lstrip("/")
            return bytes(self._s3.get_object(Bucket=name, Key=place, **span)["Body"].read())
        if self._address.startswith(_WEB):
            answer = requests.get(f"{self._address}/{key}", headers=span, timeout=_FORKED_SECONDS)
            answer.raise_for_status()
            return answer.content
        if ".." in PurePosixPath(key).parts or key.startswith("/"):
            raise FileNotFoundError(key)
        with Path(self._address, key).open("rb") as handle:
            handle.seek(start or 0)
            return handle.read() if start is None or end is None else handle.read(end - start)


class _Runtime:
    """Whether obstore's threads, started with the first client, run in this process."""

    started_in = 0

    @classmethod
    def is_lost(cls) -> bool:
        """True in a process forked after the threads were started."""
        cls.started_in = cls.started_in or os.getpid()
        return cls.started_in != os.getpid()


@lru_cache(maxsize=_CLIENTS)
def _open_s3(
    address: str, place: Endpoint | None, region: str, patience: Patience, process: int
) -> stores.S3Store:
    """A process's client of a place, made once: that takes as long as some requests."""
    del process  # its threads are lost in a fork
    name, _, prefix = address.removeprefix(_S3).partition("/")
    entry: dict[str, Any] = {"region": region}
    limits = patience.to_limits()
    if place is None:
        entry["skip_signature"] = True
    else:
        entry |= {"access_key_id": place.key, "secret_access_key": place.secret}
        if place.token:
            entry["session_token"] = place.token
        if place.url:
            entry["endpoint"] = place.url
            limits["allow_http"] = place.url.startswith("http://")
    return stores.S3Store(
        name, prefix=prefix or None, client_options=limits, **entry, **patience.to_options()
    )


def _refuse_unknown(address: str) -> None:
    """Refuse what looks like an address and is none that is known."""
    scheme = _SCHEME.match(address)
    if not address.strip() or (scheme and not address.startswith((_S3, *_WEB))):
        raise StorageError(
            f"{address or 'an empty text'} is no place that is known; give s3://bucket/prefix, "
            "https://host/path or a folder"
        )
    if address.startswith(_S3) and not address.removeprefix(_S3).strip("/"):
        raise StorageError(f"{address} names no bucket; give s3://bucket/prefix")


def _read_region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or _REGION


def _is_missing(error: BaseException) -> bool:
    """True where a client answers that an object is not there."""
    if isinstance(error, FileNotFoundError):
        return True
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"]) in ("NoSuchKey", "404")
    answer = getattr(error, "response", None)
    return getattr(answer, "status_code", None) == HTTPStatus.NOT_FOUND


def _say(error: BaseException) -> str:
    """The store's first line, without its inner workings."""
    text = " ".join(str(error).partition("Debug source")[0].split())
    text = re.sub(r"<\?xml.*?<Code>(\w+)</Code>.*", r"\1", text)
    return text[:_SAID] or type(error).__name__
