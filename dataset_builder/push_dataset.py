"""Push a built dataset to the Hub: card, datasheet, Croissant file and shards, in one commit.

    python dataset_builder/push_dataset.py --dataset build/orl/dataset --repository user/name
    python dataset_builder/push_dataset.py ... --dry_run        # says what would go

Reads the dataset folder and the token of `hf auth login` (or HF_TOKEN). Writes to the Hub only.
"""

from faceproof import console, settings, storage
from faceproof.data import pushes


def main() -> int:
    """Check, list, push."""
    run = settings.read(pushes.PushSettings, __doc__)
    files = pushes.list_files(run.dataset)
    for file in files:
        console.say(f"{file.stat().st_size:>12} {file.relative_to(run.dataset)}")
    if run.dry_run:
        console.say(f"nothing was sent; without --dry_run this goes to {run.repository}")
        return 0
    place = storage.push_folder(run.dataset, files, run.repository, "dataset", run.private)
    console.say(f'pushed       {place}  (load_dataset("{run.repository}") opens it)')
    return 0


if __name__ == "__main__":
    console.run(main)
