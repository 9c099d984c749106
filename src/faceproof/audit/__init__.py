"""How much of a high accuracy is real."""
