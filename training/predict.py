"""Score every image of a folder or zip.

    python training/predict.py --model build/demo/model --input faces.zip --output predictions.csv

Writes one row for every image file: `image` (path inside the archive), `score` (probability of
fake), `label` (real or fake, empty when unreadable), `reason`. Where the archive says what is what
(folders real/ and fake/, or labels.csv with image,label) accuracy and AUROC are printed too.
"""

from faceproof import console, results, settings, storage
from faceproof.data import archives
from faceproof.learning import predictions


def main() -> int:
    """Read, score, write, and measure where truth is known."""
    run = settings.read(predictions.PredictSettings, __doc__)
    storage.prepare_place(run.output)
    archive = archives.open_archive(run.input)
    detector = predictions.Detector(run.model, run.align, run.calibrate)

    scored = detector.predict(archive.images, run.batch)
    rows = list(console.progress(scored, "scoring", "images", len(archive.images)))
    predictions.write(rows, run.output)
    unread = sum(row.score is None for row in rows)
    console.say(f"predictions  {run.output} ({len(rows)} images, {unread} unreadable)")

    if archive.truth:
        values = predictions.measure_predictions(
            rows, archive.truth, detector.decision.threshold, run.seed
        )
        for name, value in values.items():
            console.say(predictions.format_metric(name, value))
        if run.results is not None:
            counts: dict[str, results.Scalar] = {"images": len(rows), "unreadable": unread}
            results.write(
                run.results,
                values | counts,
                results.Run(run, detector.identify()),
            )
    return 0


if __name__ == "__main__":
    console.run(main)
