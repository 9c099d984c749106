"""Push the page of app.py to the Hub as a Space of its own, with the small detector inside.

    python training/push_space.py --repository user/name
    python training/push_space.py --repository user/name --dry_run        # says what would go

Reads `training/released_small`, result files for the card and the token of `hf auth login` (or
HF_TOKEN). Writes to the Hub only.
"""

import tempfile
from pathlib import Path

from faceproof import console, settings
from faceproof.data.settings import PushSettings

HERE = Path(__file__).parent


def main() -> int:
    """Lay out, list, push."""
    run = settings.read(PushSettings, __doc__)

    from faceproof.app import spaces
    from faceproof.data import exports
    from faceproof.reports import cards

    parts = spaces.Parts(
        app=HERE / "app.py",
        model=HERE / "released_small",
        card=cards.render_space_card(),
        requirements=spaces.pin_requirements(),
    )
    with tempfile.TemporaryDirectory() as scratch:
        files = spaces.stage_space(parts, Path(scratch))
        for line in exports.push(run, Path(scratch), files, "space"):
            console.say(line)
    return 0


if __name__ == "__main__":
    console.run(main)
