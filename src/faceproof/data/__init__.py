"""From sources to a dataset folder: faces, groups, splits, forgeries and shams, shards."""
