"""Score every image of a folder, zip, pattern or Hub dataset.

    python training/predict.py --input faces.zip --output predict.csv
    python training/predict.py --input 'photos/**/*.jpg' --output p.csv --explain heat_maps

Writes one row for every image file: `image` (path inside the archive), `score` (probability of
fake), `label` (real, fake or unsure; empty when unreadable), `reason`. Where it is said what is
what (folders real/ and fake/, labels.csv with image,label, a label column) they are measured.
"""

from dataclasses import asdict

from faceproof import console, settings
from faceproof.detector.settings import PredictSettings


def main() -> int:
    """Read, score, write, and measure where truth is known."""
    run = settings.read(PredictSettings, __doc__)

    from faceproof import memory, results
    from faceproof.data.inputs import streams
    from faceproof.data.inputs.labels import parse_labels
    from faceproof.detector import predict, report
    from faceproof.detector.released import find_released
    from faceproof.reports import pages

    memory.keep_freed_memory()
    labels = parse_labels(run.labels)
    stream = streams.open_stream(run.input, labels)
    model = run.model or str(find_released())
    detector = predict.Detector(model, run.align, run.calibrate, run.precision, run.explain)

    tally = predict.Tally(stream.truth)
    scored = tally.watch(detector.predict(stream.images, run.batch, run.workers))
    predict.write(console.progress(scored, "scoring", "images", stream.count), run.output)
    console.say(f"predictions  {run.output} ({tally.describe()})")

    if tally.labels:
        decision = detector.decision
        values = predict.measure_known(tally, decision, run.seed)
        for name, value in values.items():
            console.say(predict.format_metric(name, value))
        if run.results is not None:
            written = {**values, **tally.counts(), **asdict(decision)}
            results.write(run.results, written, results.Run(run, detector.identify()))
        if run.report is not None:
            review, page = run.report / "review.json", run.report / "report.html"
            again = streams.open_stream(run.input, labels).images
            report.write_review(tally, decision, values, again, review)
            pages.write_prediction_page(review, page)
            console.say(f"report       {page}")
    elif run.results is not None or run.report is not None:
        console.say(
            "not measured nothing says which images are real and fake, so --results and --report "
            "have nothing to say; add folders real/ and fake/ or labels.csv"
        )
    return 0


if __name__ == "__main__":
    console.run(main)
