"""Prediction, training steps and builds, timed."""
