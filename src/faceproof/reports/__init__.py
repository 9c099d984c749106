"""Figures and pages, made from result files."""
