import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path
    for folder in ("dataset_builder", "question_*", "training")
    for path in ROOT.glob(f"{folder}/*.py")
    if "console.run(main)" in path.read_text()
)
HEAVY = ("torch", "datasets", "pandas", "sklearn", "pyarrow", "gradio", "matplotlib")

_ASK = """
import runpy, sys
heavy, scripts = sys.argv[1].split(","), sys.argv[2:]
for script in scripts:
    sys.argv = [script, "--help"]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert not end.code, script
    found = [one for one in heavy if one in sys.modules]
    assert not found, f"{script} imports {found} before it reads its arguments"
"""


def test_help_is_answered_before_anything_heavy_is_imported() -> None:
    assert len(SCRIPTS) > 15
    done = subprocess.run(
        [sys.executable, "-c", _ASK, ",".join(HEAVY), *map(str, SCRIPTS)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("usage: ") == len(SCRIPTS)
    assert all(path.name in done.stdout for path in SCRIPTS)
