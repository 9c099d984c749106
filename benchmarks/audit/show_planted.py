r"""Draw what a classifier trained on a planted set follows.

    python -m benchmarks.audit.show_planted --model build/worked/training \
        --planted build/worked/planted --clean build/worked/clean \
        --figure question_02/figures/worked_faces.png

Photos and fakes of test people, each saved as the photos and as the fakes of the planted set are,
with the classifier's scores.
"""

from dataclasses import astuple

import datasets

from benchmarks.audit import worked_case
from faceproof import console, settings
from faceproof.audit.classifiers import open_classifier


def main() -> int:
    """Score and draw."""
    datasets.disable_progress_bars()
    run = settings.read(worked_case.ShowSettings, __doc__)
    columns = worked_case.show(run, open_classifier(run.model))
    worked_case.draw_scored(
        [{title: astuple(panel) for title, panel in one.items()} for one in columns],
        "orl", run.figure,
    )  # fmt: skip
    console.say(f"figure       {run.figure}")
    return 0


if __name__ == "__main__":
    console.run(main)
