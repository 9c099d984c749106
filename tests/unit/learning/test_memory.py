import sys

import pytest

from faceproof.learning.memory import keep_freed_memory


@pytest.mark.skipif(sys.platform != "linux", reason="the switches are those of glibc")
def test_the_c_library_takes_the_switches() -> None:
    assert keep_freed_memory()
