"""One door to files and object stores: whole writes, fingerprints, downloads, S3."""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import requests
import s3fs
from botocore.exceptions import BotoCoreError, ClientError
from httpx2 import HTTPError
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from faceproof.errors import StorageError

MAX_DOWNLOAD_BYTES = 50 << 20  # a portrait has some ten kilobytes
_READ_BYTES = 1 << 20
_DOWNLOAD_TRIES = 4
_TIMEOUT_SECONDS = (10, 60)  # to connect, between bytes
_TRIES = 1  # of botocore: s3fs itself tries five times, only for errors that can pass

HubKind = Literal["dataset", "model", "space"]

logger = logging.getLogger(__name__)


def prepare_place(path: Path) -> None:
    """Make the folder of a file that will be written; call before long work.

    Raises:
        StorageError: the path is a folder, or its folder cannot be made.
    """
    if path.is_dir():
        raise StorageError(f"cannot write {path}: it is a folder; give a file name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make folder {path.parent}: {error.strerror}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there if the block ends well, else delete it."""
    prepare_place(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        with partial.open("rb+") as handle:
            os.fsync(handle.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """SHA-256 over the contents of several files in the order given, hexadecimal."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(bytes.fromhex(hash_file(path)))
    return digest.hexdigest()


@dataclass(frozen=True)
class Endpoint:
    """Where an S3 server is and how to enter; the secret never shows in logs or tracebacks."""

    url: str
    key: str
    secret: str = field(repr=False)

    def storage_options(self) -> dict[str, object]:
        """Keyword arguments for `s3fs` and `load_dataset(storage_options=...)`; a fresh copy."""
        return {
            "key": self.key,
            "secret": self.secret,
            "endpoint_url": self.url,
            "config_kwargs": {"retries": {"total_max_attempts": _TRIES, "mode": "standard"}},
        }


class Bucket:
    """One bucket of an S3 server. Errors come back as `StorageError`, without credentials."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        """Make a client of its own: connections are not shared between endpoints."""
        self.name = name
        self._files = s3fs.S3FileSystem(**endpoint.storage_options(), skip_instance_cache=True)

    def create(self) -> None:
        """Create the bucket; one that exists already is kept."""
        with _explained(f"create bucket {self.name}"):
            if not self._files.exists(self.name):
                self._files.mkdir(self.name)

    def put(self, key: str, path: Path) -> bool:
        """Upload a file unless `key` exists already (`If-None-Match: *`).

        Returns:
            True if this call wrote the object, False if it was there.
        """
        with _explained(f"put {key}"):
            try:
                self._files.pipe_file(f"{self.name}/{key}", path.read_bytes(), mode="create")
            except OSError as error:
                if not _is_precondition_failure(error):
                    raise
                return False
        return True

    def hash(self, key: str) -> str:
        """SHA-256 of an object's bytes, read in pieces, hexadecimal."""
        digest = hashlib.sha256()
        with _explained(f"read {key}"), self._files.open(f"{self.name}/{key}", "rb") as handle:
            while piece := handle.read(_READ_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def url(self, key: str) -> str:
        """The object's address as `load_dataset` and `fsspec` take it."""
        return f"s3://{self.name}/{key}"


def push_folder(
    folder: Path, files: Sequence[Path], repository: str, kind: HubKind, private: bool
) -> str:
    """Put files of a folder into a Hub repository, which is made if need be, in one commit.

    Large files go first and are known by their hash: a push that was cut off sends only the rest.
    What the repository holds below the same folders and is not among the files is deleted. The
    token is that of `hf auth login` or HF_TOKEN; it is never shown.

    Args:
        folder: whose layout the repository gets.
        files: below the folder.
        repository: `user/name`.
        kind: of repository.
        private: whether a new repository is its owner's alone; one that is there stays as it is.

    Returns:
        Its address.

    Raises:
        StorageError: the Hub cannot be reached or refuses.
    """
    names = [file.relative_to(folder).as_posix() for file in files]
    folders = sorted({f"{name.split('/')[0]}/**" for name in names if "/" in name})
    hub = HfApi()
    try:
        place = hub.create_repo(repository, repo_type=kind, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=repository,
            repo_type=kind,
            folder_path=folder,
            allow_patterns=names,
            delete_patterns=folders,
            commit_message="Push with faceproof",
        )
    except (
        HfHubHTTPError,
        HFValidationError,
        LocalTokenNotFoundError,
        OSError,
        HTTPError,
    ) as error:
        reason = " ".join(str(error).split())
        raise StorageError(f"cannot push to {repository}: {reason}") from error
    return str(place)


class Downloader:
    """Fetches files over HTTP: few tries, waits as the server asks, checks what came."""

    def __init__(self) -> None:
        """Open a session that retries what can pass: 429, 5xx, broken connections."""
        retry = Retry(
            total=_DOWNLOAD_TRIES,
            backoff_factor=0.5,
            status_forcelist=(429, 500, 502, 503, 504),
            respect_retry_after_header=True,
        )
        self._session = requests.Session()
        adapter = HTTPAdapter(max_retries=retry, pool_maxsize=16)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, adapter)
        self._session.headers["User-Agent"] = "faceproof (dataset builder)"

    def fetch(self, url: str, path: Path, sha256: str) -> bool:
        """Put the file at `path` unless it is there already with the right content.

        Returns:
            True if it was fetched, False if it was there.

        Raises:
            StorageError: it could not be had, is too large, or is not the file that was meant.
        """
        if path.is_file() and hash_file(path) == sha256:
            return False
        with replacing(path) as partial:
            self._stream(url, partial)
            if hash_file(partial) != sha256:
                raise StorageError(f"{url} is not the file the manifest means: its hash differs")
        return True

    def _stream(self, url: str, path: Path) -> None:
        try:
            with self._session.get(url, stream=True, timeout=_TIMEOUT_SECONDS) as answer:
                answer.raise_for_status()
                left = MAX_DOWNLOAD_BYTES
                with path.open("wb") as sink:
                    for piece in answer.iter_content(_READ_BYTES):
                        left -= len(piece)
                        if left < 0:
                            raise StorageError(f"{url} is larger than {MAX_DOWNLOAD_BYTES} bytes")
                        sink.write(piece)
        except requests.RequestException as error:
            reason = " ".join(str(error).split())
            raise StorageError(f"cannot fetch {url}: {reason}") from error


def _is_precondition_failure(error: OSError) -> bool:
    """True where the server answered 412: the object is there already."""
    cause = error.__cause__
    return (
        isinstance(cause, ClientError) and cause.response["Error"]["Code"] == "PreconditionFailed"
    )


@contextmanager
def _explained(action: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ClientError, BotoCoreError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StorageError(f"S3 refused to {action}: {reason}; check address and keys") from error
