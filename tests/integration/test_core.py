"""Predicting and training run on what the core brings; other commands say what is missing."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.conftest import REPOSITORY
from tests.integration.test_space import find_brought

_WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Absent(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in refused else super().find_spec(name, path, target)

refused = set(sys.argv[1].split(","))
sys.meta_path[sys.meta_path.index(PathFinder)] = Absent
"""
_RUN = """
import runpy
sys.argv = sys.argv[2:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def list_absent() -> str:
    """Modules that are installed here but not by the core, by the first part of the name."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    core = find_brought(Requirement(line).name for line in project["dependencies"])
    return ",".join(
        module
        for module, homes in packages_distributions().items()
        if module != "faceproof" and not any(canonicalize_name(home) in core for home in homes)
    )


def read_imports(script: str) -> str:
    """What a script imports at its top and at the top of `main`, as statements."""
    tree = ast.parse((REPOSITORY / script).read_text())
    main = next(one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "main")
    found = [one for one in tree.body + main.body if isinstance(one, ast.Import | ast.ImportFrom)]
    assert len(found) > 3
    return "\n".join(map(ast.unparse, found))


def test_predicting_and_training_need_the_core_alone() -> None:
    scripts = [f"training/{name}.py" for name in ("predict", "train", "calibrate", "measure_model")]
    program = "\n".join([_WITHOUT, *map(read_imports, scripts)])
    done = subprocess.run(
        [sys.executable, "-c", program, list_absent()], cwd=REPOSITORY, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_is_not_installed_is_one_line() -> None:
    words = ("question_04/index_store.py", "--data", "dataset_builder", "--place", "s3://a/b")
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT + _RUN, list_absent(), *words], cwd=REPOSITORY,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: obstore is not installed; `make install` installs everything\n"
