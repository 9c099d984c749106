import sys
from pathlib import Path

import pytest

from faceproof import memory
from faceproof.memory import give_back, keep_freed_memory, share_arenas

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the switches are those of glibc")


def test_the_c_library_takes_the_switches() -> None:
    assert keep_freed_memory()
    share_arenas()


def test_freed_pages_go_back_unless_they_are_to_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_freed_memory()
    blocks = [bytes(100_000) for _ in range(1000)]
    full = read_megabytes()
    del blocks
    give_back()
    assert read_megabytes() > full - 50
    monkeypatch.setattr(memory._Policy, "is_keeping", False)
    give_back()
    assert read_megabytes() < full - 50


def read_megabytes() -> int:
    status = Path("/proc/self/status").read_text()
    line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) // 1024
