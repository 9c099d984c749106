"""The loading script of the assignment: a builder that turns a plan into rows of real, sham, fake.

`datasets` 5 runs no script found beside data, so `build_dataset.py` calls this class and leaves a
folder of parquet that `load_dataset("./dataset_builder")` opens without any code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from faceproof import records
from faceproof.data import plans, triplets
from faceproof.data.forgery.methods import open_methods
from faceproof.data.settings import Shams
from faceproof.data.tables import features


@dataclass
class FacesConfig(datasets.BuilderConfig):
    """The plan of the build, the folder of trained networks, and what is made of each photo."""

    plan: str = ""
    networks: str = ""
    methods: tuple[str, ...] = ()
    shams: Shams = "one"
    workers: int = 1


class Faces(datasets.GeneratorBasedBuilder):
    """Real photos, their shams and their fakes, split by person."""

    BUILDER_CONFIG_CLASS = FacesConfig
    DEFAULT_WRITER_BATCH_SIZE = 100

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(features=features())

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:
        plan = plans.read(Path(self.config.plan))
        return [
            datasets.SplitGenerator(
                name=split,
                gen_kwargs={
                    "photos": tuple(photo for photo in plan.photos if photo.split == split)
                },
            )
            for split in records.SPLITS
        ]

    def _generate_examples(
        self, photos: tuple[plans.PlannedPhoto, ...]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        methods = open_methods(self.config.methods, Path(self.config.networks))
        shams, workers = self.config.shams, self.config.workers
        for record in triplets.make_records(photos, methods, shams, workers):
            yield record.image_id, records.to_row(record)
