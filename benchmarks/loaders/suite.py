"""The whole bench of question 4: parts that each leave a file, and what is concluded from them."""

import json
import logging
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.loaders.corpora import BUCKET, Corpus, Layout, lay_out, lay_out_parquet
from benchmarks.loaders.growth import SHARD_IMAGES, measure_growth
from benchmarks.loaders.profiles import profile_ours
from benchmarks.loaders.proxies import Proxy, start_proxy
from benchmarks.loaders.races import FOREIGN, LIMIT, OURS, PEERS, Lap, Race, Server, run_race
from benchmarks.loaders.reads import time_clients, time_gaps
from benchmarks.loaders.resampling import ASKED, DECLARED, Place, time_resampling
from faceproof.buckets import Bucket, Endpoint
from faceproof.errors import SettingsError
from faceproof.results import Scalar, Size, read_commit
from faceproof.scale.servers import start_seaweedfs
from faceproof.settings import require_positive
from faceproof.storage import claim_folder, replacing

Values = dict[str, Scalar]

_SHARDS = 8
_ASKED_ROWS, _ASKED_IMAGES = 10_000_000, "10m"
# Amazon's list prices for S3 Standard in its first region, dollars; traffic inside it is free.
_DOLLARS_PER_GET, _DOLLARS_PER_PUT = 0.0004 / 1000, 0.005 / 1000
_DOLLARS_PER_GIGABYTE_MONTH = 0.023
_MILLION = 1_000_000
_PLACES = ("work", "results", "figures", "peers", "size")  # settings that change no number

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RaceSettings:
    """What is measured."""

    work: Path = field(
        metadata={
            "help": "folder for images and parts; those that are there stay",
            "place": "folder",
        }
    )
    results: Path = field(metadata={"help": "result file to write", "place": "file"})
    figures: Path = field(metadata={"help": "folder for figures", "place": "inside"})
    peers: Path = field(
        default=Path("build/bench/peers"),
        metadata={
            "help": "folder of environments `litdata` and `mosaic`; others are left out",
            "place": "inside",
        },
    )
    images: int = field(default=24_000, metadata={"help": "of the race"})
    side: int = field(default=256, metadata={"help": "of these images, pixels"})
    decoded_side: int = field(default=160, metadata={"help": "of the decoded squares, pixels"})
    batch: int = field(default=64, metadata={"help": "images of a batch"})
    workers: int = field(default=2, metadata={"help": "processes or threads of each loader"})
    latencies: list[int] = field(
        default_factory=lambda: [0, 25, 100], metadata={"help": "ms added to each request"}
    )
    rows: list[int] = field(
        default_factory=lambda: [1_000_000, 10_000_000], metadata={"help": "of metadata tables"}
    )
    sizes: list[int] = field(
        default_factory=lambda: [10_000, 100_000, 1_000_000],
        metadata={"help": "images written and read, multiples of 10000"},
    )
    repeats: int = field(default=3, metadata={"help": "of everything that is timed"})
    seed: int = field(default=0, metadata={"help": "of images, rows and orders"})
    size: Size = field(default="full", metadata={"help": "what the results call themselves"})

    def __post_init__(self) -> None:
        """Refuse values that make no run."""
        require_positive(self, "images", "side", "decoded_side", "batch", "workers", "repeats")
        if self.images % _SHARDS or any(one % SHARD_IMAGES for one in self.sizes):
            raise SettingsError(
                f"images must be a multiple of {_SHARDS}, sizes multiples of {SHARD_IMAGES}"
            )


def measure_all(run: RaceSettings) -> tuple[Values, dict[str, list[float]]]:
    """Race, reads, resampling, growth; a part that was measured before is not repeated.

    Returns:
        All values; memory over an epoch by size, for a figure.
    """
    with start_seaweedfs() as endpoint:
        values = _part(run, "race", lambda: _measure_race(run, endpoint))
        values |= _part(run, "profile", lambda: _profile(run, endpoint))
        values |= _part(run, "resampling", lambda: _measure_resampling(run, endpoint))
        values |= _part(run, "growth", lambda: _measure_growth(run, endpoint))
    memory = json.loads((run.work / "parts/memory.json").read_text())
    return values | conclude(values, run), memory


def _part(run: RaceSettings, name: str, measure: Callable[[], Values]) -> Values:
    """Measure a part, or take what an earlier run with these settings measured.

    The commit of the code that measured it is among the values.
    """
    claim_folder(run.work)
    place = claim_folder(run.work / "parts") / f"{name}.json"
    wishes = {key: str(value) for key, value in asdict(run).items() if key not in _PLACES}
    if place.is_file():
        kept = json.loads(place.read_text())
        if kept["wishes"] == wishes:
            return dict(kept["values"])
    commit, is_dirty = read_commit()
    values = {**measure(), f"{name}_commit": commit, f"{name}_dirty": is_dirty}
    with replacing(place) as partial:
        partial.write_text(json.dumps({"wishes": wishes, "values": values}))
    return values


@contextmanager
def _start_proxies(endpoint: Endpoint, latencies: Sequence[int]) -> Iterator[dict[int, Proxy]]:
    port = int(endpoint.url.rpartition(":")[2])
    with ExitStack() as stack:
        yield {one: stack.enter_context(start_proxy(port, one / 1000)) for one in latencies}


def _find_peers(folder: Path) -> dict[str, Path]:
    found = {name: folder / name / "bin/python" for name in FOREIGN}
    there = {name: path.absolute() for name, path in found.items() if path.exists()}
    for name in set(found) - set(there):
        logger.warning("%s is left out: no environment in %s; run `make bench`", name, folder)
    return there


def _measure_race(run: RaceSettings, endpoint: Endpoint) -> Values:
    corpus = Corpus(run.images, run.side, _SHARDS, run.seed)
    peers = _find_peers(run.peers)
    layout = lay_out(corpus, run.work, endpoint, peers)
    race = Race(run.images, run.decoded_side, run.batch, run.workers, run.repeats, run.seed)
    with _start_proxies(endpoint, run.latencies) as proxies:
        server = Server(endpoint, proxies)
        values = summarise_laps(run_race(race, layout, server, peers, run.work))
        values |= time_gaps(layout.parquet, endpoint, proxies, run.repeats, run.seed)
    key, size = f"parquet/{layout.files[0]}", Path(layout.local[0]).stat().st_size
    values |= time_clients(BUCKET, key, size, endpoint, run.repeats)
    return values | {
        "race_images": run.images, "race_side": run.side, "race_decoded_side": run.decoded_side,
        "race_batch": run.batch, "race_workers": run.workers, "race_repeats": run.repeats,
        "race_mean_bytes": layout.mean_bytes, **_count_storage(layout, run.images),
    }  # fmt: skip


def _profile(run: RaceSettings, endpoint: Endpoint) -> Values:
    corpus = Corpus(run.images, run.side, _SHARDS, run.seed)
    layout = lay_out_parquet(corpus, run.work, endpoint)
    race = Race(run.images, run.decoded_side, run.batch, run.workers, run.repeats, run.seed)
    with _start_proxies(endpoint, run.latencies[:1]) as proxies:
        return profile_ours(race, layout, Server(endpoint, proxies), run.work)


def _count_storage(layout: Layout, images: int) -> Values:
    """What a million such images cost to keep and to put, by format."""
    gigabytes = layout.mean_bytes * _MILLION / 1e9
    return {
        "cost_storage_dollars_per_month": gigabytes * _DOLLARS_PER_GIGABYTE_MONTH,
        "cost_put_dollars_ours": _MILLION / images * 2 * len(layout.files) * _DOLLARS_PER_PUT,
        "cost_put_dollars_objects": _MILLION * _DOLLARS_PER_PUT,
    }


def summarise_laps(laps: Sequence[Lap]) -> Values:
    """Medians by contender and latency, of the first epoch, and the second where it is kept."""
    values: Values = {}
    groups: dict[tuple[str, int, int], list[Lap]] = {}
    for lap in laps:
        groups.setdefault((lap.name, lap.latency_ms, lap.epoch), []).append(lap)
    for (name, latency, epoch), group in groups.items():
        prefix = f"loader_{name}_{latency}ms" + ("_second" if epoch else "")
        rates = [lap.images_per_second for lap in group]
        values[f"{prefix}_images_per_second"] = statistics.median(rates)
        values[f"{prefix}_images_per_second_n"] = len(rates)
        values[f"{prefix}_images_per_second_low"] = min(rates)
        values[f"{prefix}_images_per_second_high"] = max(rates)
        if epoch:
            continue
        values[f"{prefix}_first_batch_seconds"] = _median(group, "first_batch_seconds")
        values[f"{prefix}_nearness"] = _median(group, "nearness")
        requests, received, cpu = (
            statistics.median(getattr(lap, what) / lap.images for lap in group)
            for what in ("requests", "received_bytes", "cpu_seconds")
        )
        values[f"{prefix}_cpu_ms_per_image"] = 1000 * cpu
        values[f"{prefix}_requests_per_thousand"] = 1000 * requests
        values[f"{prefix}_bytes_per_image"] = received
        values[f"{prefix}_dollars_per_million"] = requests * _MILLION * _DOLLARS_PER_GET
    return values | _compare_laps(laps)


def _median(laps: Sequence[Lap], what: str) -> float:
    return float(statistics.median(getattr(lap, what) for lap in laps))


def _compare_laps(laps: Sequence[Lap]) -> Values:
    """Ratios within each repeat that has both, and their medians."""
    rates: dict[tuple[int, int], dict[str, float]] = {}
    for lap in laps:
        if not lap.epoch:
            rates.setdefault((lap.latency_ms, lap.repeat), {})[lap.name] = lap.images_per_second
    latencies = sorted({latency for latency, _ in rates})
    values: Values = {}
    for latency in latencies:
        rounds = {repeat: rates[latency, repeat] for at, repeat in rates if at == latency}
        ending = f"_{latency}ms" if latency else ""
        best = [
            max((rate, name) for name, rate in found.items() if name in PEERS)[1]
            for found in rounds.values() if set(found) & set(PEERS)
        ]  # fmt: skip
        values[f"loader_best_peer_{latency}ms"] = statistics.mode(best)
        values |= _spread(
            f"loader_ratio_to_best_peer{ending}",
            [found[OURS] / found[name] for found, name in zip(rounds.values(), best, strict=True)],
        )
        values |= _spread(
            f"loader_ratio_to_decode_limit{ending}",
            [found[OURS] / found[LIMIT] for found in rounds.values()],
        )
        if latency:
            base = {repeat: rates[latencies[0], repeat][OURS] for repeat in rounds}
            ratios = [found[OURS] / base[repeat] for repeat, found in rounds.items()]
            values |= _spread(f"loader_ratio_{latency}ms_to_{latencies[0]}ms", ratios)
    values["loader_peers_n"] = len({lap.name for lap in laps} & set(PEERS))
    return values


def _spread(name: str, ratios: Sequence[float]) -> Values:
    return {
        name: statistics.median(ratios), f"{name}_n": len(ratios), f"{name}_low": min(ratios),
        f"{name}_high": max(ratios),
    }  # fmt: skip


def _measure_resampling(run: RaceSettings, endpoint: Endpoint) -> Values:
    Bucket(f"s3://{BUCKET}", endpoint).create()
    places = [Place(endpoint, rows, run.seed, run.work / f"resampling/{rows}") for rows in run.rows]
    return time_resampling(places, run.repeats)


def _measure_growth(run: RaceSettings, endpoint: Endpoint) -> Values:
    Bucket(f"s3://{BUCKET}", endpoint).create()
    values, memory = measure_growth(run.sizes, endpoint, run.seed)
    with replacing(run.work / "parts/memory.json") as partial:
        partial.write_text(json.dumps(memory))
    return values


def conclude(values: Mapping[str, Scalar], run: RaceSettings) -> Values:
    """What the issue asks for by name, out of what was measured."""
    found: Values = {}
    for rows in run.rows:
        for kind, ways in (("declared", DECLARED), ("sql", ASKED)):
            seconds = {
                name: float(values[f"{kind}_{rows}_{name}_seconds"] or 0)
                for name in ways if name not in ("ours", "ours_again")
            }  # fmt: skip
            best = min(seconds, key=lambda name: seconds[name])
            own = float(values[f"{kind}_{rows}_ours_seconds"] or 0)
            found[f"{kind}_{rows}_best_engine"] = best
            found[f"{kind}_{rows}_ratio_to_best_engine"] = seconds[best] / own
    if _ASKED_ROWS in run.rows:
        asked = f"resample_100k_of_{_ASKED_IMAGES}_declared_seconds"
        found[asked] = values[f"declared_{_ASKED_ROWS}_ours_seconds"]
    return found
