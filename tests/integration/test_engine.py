"""Builds from raw images: everything counted, killed and gone on, on this machine and on Ray."""

import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from tests.conftest import REPOSITORY, run_script
from tests.scripts import run_until_killed
from tests.unit.scale.conftest import encode

from faceproof.buckets import Bucket, Endpoint
from faceproof.errors import InputError, SettingsError, StorageError
from faceproof.scale.settings import StoreSettings
from faceproof.scale.stores import Store, open_store
from faceproof.scale.units import Job, list_source, write_images, write_shard, write_table
from faceproof.scale.views import view_all

GOOD = 240
SMALL = ["--unit_images", "20", "--shard_images", "50"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real and fake images in folders, with a copy, a cut-off file, and one that is no image."""
    folder = tmp_path_factory.mktemp("raw")
    for number in range(GOOD):
        path = folder / ("fake" if number % 3 == 0 else "real") / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encode(number))
    shutil.copy(folder / "real/1.jpg", folder / "real/again.jpg")
    (folder / "real/cut.jpg").write_bytes((folder / "real/2.jpg").read_bytes()[:300])
    (folder / "fake/text.png").write_bytes(b"no image")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def build(source: str, place: Path | str, *more: str) -> subprocess.CompletedProcess[str]:
    return run_script(
        "question_04/build_store.py", "--source", source, "--place", str(place), *SMALL, *more
    )


def read_rows(store: Store, place: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for file in store.manifest.files:
        rows += pq.read_table(place / file.key).to_pylist()
    return rows


@pytest.fixture(scope="module")
def built(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("built")
    done = build(str(raw), place)
    assert done.returncode == 0, done.stderr
    return place


def test_every_input_is_counted_and_every_image_is_there_once(raw: Path, built: Path) -> None:
    store = open_store(Bucket(str(built)))
    counts = store.manifest.counts
    assert counts["seen"] == GOOD + 3
    assert counts["kept"] == counts["images"] == GOOD
    assert counts["same_bytes"] == counts["damaged"] == counts["not_an_image"] == 1
    rows = read_rows(store, built)
    assert sorted(row["image"]["bytes"] for row in rows) == sorted(
        encode(one) for one in range(GOOD)
    )
    assert all((row["label"] == 1) == str(row["name"]).startswith("fake/") for row in rows)
    assert len({row["name"] for row in rows}) == GOOD
    assert len(view_all(store)) == GOOD


def test_the_store_opens_as_any_dataset(built: Path, tmp_path: Path) -> None:
    rows = load_dataset(
        "parquet",
        data_files=str(built / "data/*/*.parquet"),
        split="train",
        cache_dir=str(tmp_path),
    )
    assert rows.num_rows == GOOD
    assert rows.features["label"].names == ["real", "fake"]
    assert rows[0]["image"].size == (24, 24)


def test_building_again_changes_nothing(raw: Path, built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*.*")}
    assert build(str(raw), built).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*.*")} == before


def test_a_killed_build_goes_on_to_the_same_store(raw: Path, built: Path, tmp_path: Path) -> None:
    words = ["question_04/build_store.py", "--source", str(raw), "--place", str(tmp_path), *SMALL]
    for place, calls in (
        ("faceproof.scale.units:write_table", 2),  # of units that were examined
        ("faceproof.scale.units:write_table", 7),
        ("faceproof.scale.units:put_shard", 2),
    ):
        run_until_killed(place, calls, words, REPOSITORY)
    done = build(str(raw), tmp_path)
    assert done.returncode == 0, done.stderr
    assert open_store(Bucket(str(tmp_path))).manifest == open_store(Bucket(str(built))).manifest


@contextmanager
def start_cluster() -> Iterator[str]:
    """Two Ray workers on loopback, one core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else 127.0.0.1 becomes the host's own
    from ray.cluster_utils import Cluster  # noqa: PLC0415  # reads these variables

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "node_ip_address": "127.0.0.1", "include_dashboard": False},
    )
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1, node_ip_address="127.0.0.1")
        yield cluster.address
    finally:
        cluster.shutdown()  # type: ignore[no-untyped-call]  # of ray


def write_list(folder: Path, names: Iterable[str]) -> None:
    """The list by which images of a web server are known."""
    with (folder / "labels.csv").open("w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["image", "label"])
        writer.writerows([name, name.partition("/")[0]] for name in names)


@contextmanager
def serve(folder: Path, asked: Callable[[str, int], bool] = lambda *_: True) -> Iterator[str]:
    """A web server of a folder.

    Args:
        folder: with the files.
        asked: is told each path and the port that asks; False leaves the asker without an answer.
    """

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *words: object, **more: object) -> None:
            super().__init__(*words, directory=str(folder), **more)  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if asked(self.path, self.client_address[1]):
                super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Killer:
    """Kills the process that asks for an image after so many others were asked for."""

    def __init__(self, after: int) -> None:
        self.killed: list[str] = []
        self._left = after
        self._lock = Lock()

    def __call__(self, path: str, port: int) -> bool:
        with self._lock:
            self._left -= path.endswith(".jpg")
            if self._left or self.killed:
                return True
            asker = next(
                one for one in psutil.net_connections("tcp") if one.laddr.port == port and one.pid
            )
            worker = psutil.Process(asker.pid)
            self.killed.append(worker.name())
            worker.kill()
            return False


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_on_ray_a_worker_killed_mid_way_loses_and_doubles_nothing(
    raw: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    shutil.copytree(raw, site)
    write_list(site, sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*.jpg")))
    killer = Killer(after=100)
    with serve(site) as address:
        done = build(address, tmp_path / "calm")
    assert done.returncode == 0, done.stderr
    with start_cluster() as cluster, serve(site, killer) as address:
        words = [sys.executable, "question_04/build_store.py", "--source", address,
                 "--place", str(tmp_path / "ray"), *SMALL,
                 "--engine", "ray", "--cluster", cluster]  # fmt: skip
        done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert len(killer.killed) == 1
    assert killer.killed[0].startswith("ray::")
    assert done.returncode == 0, done.stderr
    stores = [open_store(Bucket(str(tmp_path / name))) for name in ("calm", "ray")]
    assert stores[0].manifest == stores[1].manifest


def test_from_s3_to_s3(
    s3: Endpoint, raw: Path, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3.url)
    source = Bucket("s3://engine/raw")
    source.create()
    for path in raw.rglob("*.*"):
        source.put(path.relative_to(raw).as_posix(), path)
    done = build("s3://engine/raw", "s3://engine/store")
    assert done.returncode == 0, done.stderr
    store = open_store(Bucket("s3://engine/store"))
    assert store.manifest == open_store(Bucket(str(built))).manifest


def test_from_a_web_server_by_its_list(raw: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(raw, site)
    with (site / "labels.csv").open("w", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["image", "label", "camera"])
        writer.writerows(
            [f"real/{number}.jpg", "real", f"c{number % 2}"] for number in (1, 2, 4, 5)
        )
        writer.writerow(["real/missing.jpg", "real", "c0"])

    with serve(site) as address:
        done = build(address, tmp_path / "store", "--strata", "camera")
    assert done.returncode == 0, done.stderr
    store = open_store(Bucket(str(tmp_path / "store")))
    assert [one.values for one in store.manifest.strata] == [("c0",), ("c1",)]
    assert store.manifest.counts["missing"] == 1
    assert len(store) == 4


def test_an_image_that_changed_between_the_passes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.jpg").write_bytes(encode(1))
    job = Job(Bucket(str(tmp_path / "raw")), Bucket(str(tmp_path / "store")), "work/x")
    plan = {"name": ["a.jpg"], "sha256": ["0" * 64], "label": ["real"]}
    write_table(job.place, "work/x/plan/p/train-0.parquet", pa.table(plan))
    with pytest.raises(StorageError, match=r"a\.jpg.*changed while it was built"):
        write_shard(job, "p/train-0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("picture\na.jpg\n", "needs the columns image"),
        ("image\n", "must name each image"),
        ("image\na.jpg\na.jpg\n", "must name each image"),
        ("image,label\na.jpg,cat\n", "the label 'cat'; use real or fake"),
        ("", "needs the columns image"),
    ],
    ids=["no column", "no rows", "twice", "unknown label", "empty"],
)
def test_a_bad_list_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    (tmp_path / "a.jpg").write_bytes(encode(1))
    with pytest.raises(InputError, match=reason):
        list_source(Bucket(str(tmp_path)))


def test_bad_wishes_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = build(str(tmp_path / "empty"), tmp_path / "store")
    assert done.returncode == 1
    assert re.fullmatch(r"error: no images in .*\n", done.stderr)
    with pytest.raises(SettingsError, match="engine ray"):
        StoreSettings("a", "b", cluster="127.0.0.1:1")
    with pytest.raises(SettingsError, match="unit_images"):
        StoreSettings("a", "b", unit_images=0)


def test_row_groups_are_small_enough_to_stream(tmp_path: Path) -> None:
    images = [bytes([one]) * 1_000_000 for one in range(9)]
    write_images(tmp_path / "a", pa.table({"label": ["real"] * 9}), images)
    about = pq.ParquetFile(tmp_path / "a").metadata
    assert [about.row_group(one).num_rows for one in range(about.num_row_groups)] == [4, 4, 1]


def test_an_existing_dataset_becomes_a_store_by_one_command(dataset: Path, tmp_path: Path) -> None:
    done = run_script(
        "question_04/index_store.py", "--data", str(dataset),
        "--place", str(tmp_path / "store"), "--strata", "split", "label",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1600 in" in done.stdout
    store = open_store(Bucket(str(tmp_path / "store")))
    assert {one.values for one in store.manifest.strata} == {
        (split, label) for split in ("train", "validation", "test") for label in (0, 1)
    }
    parent = tmp_path / "train.parquet"
    for words in (
        ["--sql", "SELECT row FROM metadata WHERE split = 'train'", "--output", str(parent)],
        ["--sql", "SELECT row FROM metadata WHERE label = 1", "--parent", str(parent),
         "--output", str(tmp_path / "fakes.parquet"),
         "--materialise", str(tmp_path / "copy.parquet")],
    ):  # fmt: skip
        made = run_script(
            "question_04/make_view.py", "--store", str(tmp_path / "store"), *words,
            "--cache", str(tmp_path / "kept"),
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
    copied = pq.read_table(tmp_path / "copy.parquet")
    assert set(copied.column("label").to_pylist()) == {1}
    assert len(copied) == 480
