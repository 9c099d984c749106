"""Try the detector on a page: a photo with a heat map, or a zip that becomes a CSV.

    make app                                     # installs, serves, says where
    python training/app.py --model build/demo/training --port 7861

Reads a model folder. Writes nothing that stays: uploads are deleted after five minutes.
"""

from pathlib import Path
from threading import Event

from faceproof import console, settings
from faceproof.app.settings import AppSettings

BESIDE = Path(__file__).with_name("model")  # in a Space the model lies beside this file


def main() -> int:
    """Load the model, lay out the page, serve it until Ctrl-C."""
    run = settings.read(AppSettings, __doc__)

    from faceproof import memory
    from faceproof.app import page
    from faceproof.detector import predict
    from faceproof.detector.released import find_released

    memory.keep_freed_memory()
    place = run.model or (BESIDE if (BESIDE / "config.json").is_file() else find_released())
    detector = predict.Detector(str(place))
    with page.serve(detector, run.port) as address:
        console.say(f"page         {address}  (Ctrl-C ends it)")
        Event().wait()
    return 0


if __name__ == "__main__":
    console.run(main)
