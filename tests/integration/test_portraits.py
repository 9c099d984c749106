"""The real downloader against a real HTTP server on loopback."""

import csv
import hashlib
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from tests.conftest import REPOSITORY, run_script

from faceproof.data import tables
from faceproof.data.images import Pixels, encode_jpeg
from faceproof.data.sources import portraits
from faceproof.data.sources.photos import SourcePhoto, SourceRequest
from faceproof.errors import InputError, StorageError
from faceproof.storage import claim_folder

MANIFEST = REPOSITORY / "dataset_builder" / "portraits.csv"
SHARED = REPOSITORY.parent / "shared" / "faces" / "congress" / "real"
COLUMNS = ["id", "url", "sha256", "sex", "birth_year", "licence"]


class Server:
    """Files by name; a name may have faults that come before its file."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[int]] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.strip("/")
                server.asked.append(name)
                faults = server.faults.get(name, [])
                status = faults.pop(0) if faults else (200 if name in server.files else 404)
                data = server.files.get(name, b"")
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if status == 200:
                    self.wfile.write(data)

            def log_message(self, format: str, *words: object) -> None:  # noqa: A002  # its name there
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = Thread(target=self._http.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()


def write_manifest(path: Path, server: Server, hashes: dict[str, str]) -> Path:
    with path.open("w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(COLUMNS)
        writer.writerows(
            [name, f"{server.url}/{name}", hashes[name], "", "", ""] for name in hashes
        )
    return path


def fetch(manifest: Path, folder: Path, limit: int | None = None) -> list[SourcePhoto]:
    return list(portraits.read(SourceRequest(manifest, folder, limit)))


@pytest.fixture
def manifest(server: Server, tmp_path: Path, face: Pixels) -> Path:
    server.files = {f"p{number}": encode_jpeg(face, 70 + number, 0) for number in range(5)}
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in server.files.items()}
    return write_manifest(tmp_path / "portraits.csv", server, hashes)


def test_every_portrait_arrives_once_and_a_second_run_asks_for_nothing(
    server: Server, manifest: Path, tmp_path: Path
) -> None:
    first = fetch(manifest, tmp_path / "photos")
    assert [photo.path.read_bytes() for photo in first] == list(server.files.values())
    assert sorted(server.asked) == sorted(server.files)
    assert fetch(manifest, tmp_path / "photos") == first
    assert len(server.asked) == 5


def test_what_can_pass_is_tried_again(server: Server, manifest: Path, tmp_path: Path) -> None:
    server.faults = {"p1": [503], "p2": [500, 429]}
    photos = fetch(manifest, tmp_path / "photos")
    assert all(photo.path.stat().st_size for photo in photos)


def test_what_cannot_be_had_is_counted_in_and_tried_by_the_next_run(
    server: Server, manifest: Path, tmp_path: Path
) -> None:
    good = server.files["p3"]
    server.files["p3"] = b"other bytes"
    del server.files["p4"]
    photos = fetch(manifest, tmp_path / "photos")
    assert [photo.path.stat().st_size > 0 for photo in photos] == [True, True, True, False, False]
    server.asked.clear()
    server.files["p3"] = good
    assert fetch(manifest, tmp_path / "photos")[3].path.read_bytes() == good
    assert set(server.asked) == {"p3", "p4"}


def test_an_older_file_does_not_stand_in_for_what_the_manifest_means(
    server: Server, manifest: Path, tmp_path: Path
) -> None:
    photos = fetch(manifest, claim_folder(tmp_path / "photos"))
    photos[0].path.write_bytes(b"an older photo")
    server.files.pop("p0")
    assert fetch(manifest, tmp_path / "photos")[0].path.read_bytes() == b""


@pytest.mark.parametrize(
    ("row", "said"),
    [(["", "http://127.0.0.1/x", "ab"], "without id"), (["p0", "x", "ab"], "an id twice")],
)
def test_a_manifest_with_a_bad_line_is_refused(
    manifest: Path, tmp_path: Path, row: list[str], said: str
) -> None:
    with manifest.open("a", newline="") as sink:
        csv.writer(sink).writerow(row)
    with pytest.raises(InputError, match=said):
        fetch(manifest, tmp_path / "photos")


def test_a_limit_is_kept(server: Server, manifest: Path, tmp_path: Path) -> None:
    assert len(fetch(manifest, tmp_path / "photos", limit=2)) == 2
    assert len(server.asked) == 2


def test_no_network_is_refused(server: Server, manifest: Path, tmp_path: Path) -> None:
    server.files.clear()
    with pytest.raises(StorageError, match="none of the first 5 portraits"):
        fetch(manifest, tmp_path / "photos")


@pytest.mark.parametrize("text", [None, "id,url\n", ",".join(COLUMNS) + "\n"])
def test_a_bad_manifest_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "manifest.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match="manifest"):
        fetch(path, tmp_path / "photos")


def test_a_manifest_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs its manifest"):
        next(portraits.read(SourceRequest(None, tmp_path)))


def test_the_real_portraits_build_a_dataset(server: Server, tmp_path: Path) -> None:
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail("CI has the portraits beside the project")
        pytest.skip("the portraits are not here; they are fetched by the recipe portraits.yaml")
    with MANIFEST.open(newline="") as source:
        entries = list(csv.DictReader(source))[:60]
    server.files = {row["id"]: (SHARED / f"{row['id']}.jpg").read_bytes() for row in entries}
    manifest = tmp_path / "portraits.csv"
    with manifest.open("w", newline="") as sink:
        writer = csv.DictWriter(sink, COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "url": f"{server.url}/{row['id']}"} for row in entries)
    done = run_script(
        "dataset_builder/build_dataset.py", "--config", "dataset_builder/portraits.yaml",
        "--input", str(manifest), "--output", str(tmp_path / "set"), "--limit", "40",
        "--exports", str(tmp_path / "exports"), "--results", str(tmp_path / "results.json"),
        "--autoencoder_steps", "3", "--methods", "swap", "morph", "hole", "self_blend",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(server.asked) == 40
    card = (tmp_path / "set" / "README.md").read_text()
    assert "public domain" in card
    assert "AT&T" not in card
    table = tables.to_frame(tables.open_dataset(tmp_path / "set"))
    assert set(table["sex_basis"]) == {"annotated"}
    assert set(table["sex"]) == {"female", "male"}
    assert table["birth_year"].between(1900, 2000).any()
    assert table["ita_degrees"].notna().any()
    assert table["source_jpeg_quality"].between(1, 100).all()
    by_id = table.set_index("image_id")["sex"]
    swaps = table[table["method"] == "swap"]
    donors = [by_id[parents[1]] for parents in swaps["parent_ids"]]
    assert (swaps["sex"].to_numpy() == np.array(donors)).mean() > 0.9
