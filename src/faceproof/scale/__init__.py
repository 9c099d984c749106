"""The same dataset on an object store."""
