"""Push a built dataset to the Hub: card, datasheet, Croissant file and shards, in one commit.

    python dataset_builder/push_dataset.py --dataset build/orl/dataset --repository user/name
    python dataset_builder/push_dataset.py ... --dry_run        # says what would go

Reads the dataset folder and the token of `hf auth login` (or HF_TOKEN). Writes to the Hub only.
"""

from faceproof import console, settings
from faceproof.data.settings import DatasetPush


def main() -> int:
    """Check, list, push."""
    run = settings.read(DatasetPush, __doc__)

    from faceproof.data import exports

    files = exports.list_files(run.dataset)
    for line in exports.push(run, run.dataset, files, "dataset"):
        console.say(line)
    return 0


if __name__ == "__main__":
    console.run(main)
