"""What a user runs: models, calibration, prediction, reports."""
