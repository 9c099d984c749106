"""Properties a dataset must have before it is used."""
