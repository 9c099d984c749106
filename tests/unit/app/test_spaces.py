from pathlib import Path

from faceproof.app.spaces import NEEDED, Parts, stage_space


def test_a_space_holds_page_model_package_and_what_it_needs(model: Path, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text("print('hello')\n")
    files = stage_space(Parts(app, model, "a card", "torch==1\n"), tmp_path / "space")
    names = {path.relative_to(tmp_path / "space").as_posix() for path in files}
    assert {"app.py", "README.md", "requirements.txt", "model/model.safetensors"} <= names
    assert "faceproof/app/page.py" in names
    assert not [name for name in names if "pycache" in name]
    assert (tmp_path / "space/README.md").read_text() == "a card"


def test_no_package_is_named_twice() -> None:
    assert len(set(NEEDED)) == len(NEEDED)
