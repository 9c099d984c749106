"""The page: one photo with a heat map, a zip with a CSV, and what the model cannot judge."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import gradio
from starlette.middleware import Middleware

from faceproof.app.answers import MOST_IMAGES, judge_photo, judge_zip
from faceproof.app.uploads import Guard, sweeping
from faceproof.data.images import Pixels
from faceproof.detector.predict import Detector
from faceproof.errors import SettingsError

_MOST_BYTES = "200mb"  # of an upload
_KEPT_SECONDS = 300  # uploads are deleted after so long
_FONTS = ["system-ui", "sans-serif"]  # the theme's own would be fetched
_WAITING = "<p>The verdict will stand here.</p>"
_TABLE = ["image", "score", "label", "reason"]  # of the CSV
_INTRODUCTION = """# Real or fake?
Drop a photo of a face. It is judged here, shown to nobody and deleted after five minutes."""
_LIMITS = """**What it cannot judge.** Video, bodies, documents, drawings and heavily filtered
photos; faces below 64 pixels; changes to a small part of a face, most of which it misses;
generators newer than those it learned from. It says nothing of who is shown. *Real* means that no
trace was found, not that there is none, and no face should be called fake on its word alone: its
card says how often it is wrong, and on whom."""
_STYLE = """
.verdict { display: flex; gap: .8rem; align-items: baseline; padding: .7rem 1rem;
  border-radius: .5rem; border-left: .5rem solid; background: #8881; }
.verdict strong { font-size: 1.6rem; text-transform: uppercase; }
.verdict.real { border-color: #1a7f5a; } .verdict.unsure { border-color: #8a6d1a; }
.verdict.fake { border-color: #b3382c; } .refused { padding: .7rem 1rem; background: #8882; }
.note { opacity: .8; }
"""


@contextmanager
def serve(detector: Detector, port: int) -> Iterator[str]:
    """Serve the page while the block lasts, on 127.0.0.1 but where Spaces say otherwise.

    Whatever is uploaded or made of it lies in one folder, which goes when the block ends.

    Yields:
        Its address.

    Raises:
        SettingsError: the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="faceproof-") as scratch:
        folder = Path(scratch).resolve()
        uploads = folder / "uploads"
        uploads.mkdir()
        os.environ["GRADIO_TEMP_DIR"] = str(uploads)  # its only way to say so
        page = _lay_out(detector, folder)
        address = _launch(page, port, uploads)
        try:
            with sweeping(folder, _KEPT_SECONDS):
                yield address
        finally:
            page.close(verbose=False)


def _launch(page: gradio.Blocks, port: int, uploads: Path) -> str:
    try:
        _, address, _ = page.launch(
            server_port=port or None, share=False, max_file_size=_MOST_BYTES, ssr_mode=False,
            theme=gradio.themes.Default(font=_FONTS, font_mono=["monospace"]), css=_STYLE,
            footer_links=[], run_history=False, quiet=True, prevent_thread_lock=True,
            app_kwargs={"middleware": [Middleware(Guard, folder=uploads)]},
        )  # fmt: skip
    except OSError as error:
        raise SettingsError(f"cannot serve on port {port}: {error}; give another --port") from error
    return str(address)


def _lay_out(detector: Detector, folder: Path) -> gradio.Blocks:
    with gradio.Blocks(title="faceproof", analytics_enabled=False) as page:
        gradio.Markdown(_INTRODUCTION)
        with gradio.Tab("One photo"):
            _lay_out_photo(detector)
        with gradio.Tab("A zip of photos"):
            _lay_out_zip(detector, folder)
        gradio.Markdown(_LIMITS)
    return page


def _lay_out_photo(detector: Detector) -> None:
    def answer(given: Mapping[str, str | None] | None) -> tuple[str, Pixels | None]:
        path = (given or {}).get("path")
        if path is None:
            return _WAITING, None
        said = judge_photo(detector, Path(path))
        return said.said, said.drawn

    with gradio.Row():
        photo = gradio.Image(label="Photo", sources=["upload", "webcam", "clipboard"], height=320)
        with gradio.Column():
            verdict = gradio.HTML(_WAITING)
            drawn = gradio.Image(
                show_label=False, format="png", interactive=False, buttons=["fullscreen"],
                alt_text="the face, and the face under its heat map",
            )  # fmt: skip
    # Not opened by gradio: our own door decodes what strangers send, with its limits.
    photo.change(answer, photo, [verdict, drawn], api_name="judge", preprocess=False)


def _lay_out_zip(detector: Detector, folder: Path) -> None:
    def answer(path: str | None) -> tuple[str, list[tuple[str, str, str, str]], str | None]:
        if path is None:
            return "", [], None
        said = judge_zip(detector, Path(path), folder)
        return said.said, said.rows, None if said.table is None else str(said.table)

    upload = gradio.File(label=f"A zip of at most {MOST_IMAGES} images", type="filepath")
    summary = gradio.Textbox(label="Summary", interactive=False)
    table = gradio.File(label="Predictions, CSV", interactive=False)
    rows = gradio.Dataframe(
        headers=_TABLE, datatype="str", interactive=False, wrap=True,
        label="Its first rows; score is the calibrated probability of fake",
    )  # fmt: skip
    upload.change(answer, upload, [summary, rows, table], api_name="judge_zip")
