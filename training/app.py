"""Try the detector on a page: a photo with a heat map, or a zip that becomes a CSV.

    make app                                     # installs, serves, says where
    python training/app.py --model build/demo/model --port 7861

Reads a model folder. Writes nothing that stays: uploads are deleted after five minutes.
"""

from pathlib import Path
from threading import Event

from faceproof import console, memory, settings
from faceproof.learning import predictions
from faceproof.space import apps

RELEASED = Path(__file__).with_name("released")


def main() -> int:
    """Load the model, lay out the page, serve it until Ctrl-C."""
    run = settings.read(apps.AppSettings, __doc__)
    memory.keep_freed_memory()
    detector = predictions.Detector(run.model or str(RELEASED))
    with apps.serve(detector, run.port) as address:
        console.say(f"page         {address}  (Ctrl-C ends it)")
        Event().wait()
    return 0


if __name__ == "__main__":
    console.run(main)
