"""Models, batches, calibration and prediction."""
