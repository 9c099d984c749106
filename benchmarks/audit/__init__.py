"""Faults planted in small classifiers, a worked case, audits of growing size."""
