r"""Draw what a classifier trained on a planted set follows.

    python question_02/show_planted.py --model build/worked/model --planted build/worked/planted \
        --clean build/worked/clean --figure question_02/figures/worked_faces.png

Photos and fakes of test people, each saved as the photos and as the fakes of the planted set are,
with the classifier's scores.
"""

from dataclasses import astuple

import datasets

from faceproof import console, settings
from faceproof.audit import worked
from faceproof.audit.classifiers import open_classifier
from faceproof.reports import figures


def main() -> int:
    """Score and draw."""
    datasets.disable_progress_bars()
    run = settings.read(worked.ShowSettings, __doc__)
    columns = worked.show(run, open_classifier(run.model))
    figures.draw_scored(
        [{title: astuple(panel) for title, panel in one.items()} for one in columns],
        "orl", run.figure,
    )  # fmt: skip
    console.say(f"figure       {run.figure}")
    return 0


if __name__ == "__main__":
    console.run(main)
