"""One door to HTTP hosts and the Hub: downloads that are checked, pushes in one commit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import requests
from httpx2 import HTTPError
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from faceproof.errors import StorageError
from faceproof.storage import hash_file, replacing

MAX_DOWNLOAD_BYTES = 50 << 20  # a portrait has some ten kilobytes
_READ_BYTES = 1 << 20
_DOWNLOAD_TRIES = 4
_TIMEOUT_SECONDS = (10, 60)  # to connect, between bytes

_REFUSALS = (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError, HTTPError)

HubKind = Literal["dataset", "model", "space"]
# Folders of a repository that a push renews as a whole.
_OWNED: Mapping[HubKind, tuple[str, ...]] = {
    "dataset": ("data",), "model": ("onnx",), "space": ("faceproof", "model")
}  # fmt: skip


def push_folder(
    folder: Path, files: Sequence[Path], repository: str, kind: HubKind, private: bool
) -> str:
    """Put files of a folder into a Hub repository, which is made if need be, in one commit.

    Large files go first and are known by their hash: a push that was cut off sends only the rest.
    What the repository holds below the folders of `_OWNED` and is not among the files is deleted,
    so that nothing of an older push stands beside this one. A repository that is there stays as
    private as it is. The token is that of `hf auth login` or HF_TOKEN; it is never shown.

    Returns:
        Its address.

    Raises:
        StorageError: the Hub cannot be reached or refuses.
    """
    names = [file.relative_to(folder).as_posix() for file in files]
    hub = HfApi()
    try:
        place = hub.create_repo(
            repository, repo_type=kind, private=private, exist_ok=True,
            space_sdk="gradio" if kind == "space" else None,
        )  # fmt: skip
        hub.upload_folder(
            repo_id=repository, repo_type=kind, folder_path=folder, allow_patterns=names,
            delete_patterns=[f"{name}/**" for name in _OWNED[kind]],
            commit_message="Push with faceproof",
        )  # fmt: skip
    except _REFUSALS as error:
        reason = " ".join(str(error).split())
        raise StorageError(f"cannot push to {repository}: {reason}") from error
    return str(place)


class Downloader:
    """Fetches files over HTTP: few tries, waits as the server asks, checks what came."""

    def __init__(self) -> None:
        """Open a session that retries what can pass: 429, 5xx, broken connections."""
        retry = Retry(
            total=_DOWNLOAD_TRIES, backoff_factor=0.5, respect_retry_after_header=True,
            status_forcelist=(429, 500, 502, 503, 504),
        )  # fmt: skip
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
