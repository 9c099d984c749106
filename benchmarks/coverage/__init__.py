"""How often the intervals of `faceproof.intervals` hold the truth: simulated."""
