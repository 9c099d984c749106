"""The record every stage speaks of: its columns, their order, its labels and its schema."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Literal

Label = Literal["real", "fake"]
Role = Literal["real", "sham", "fake"]
Split = Literal["train", "validation", "test"]
Sex = Literal["female", "male", "unknown"]
Basis = Literal["annotated", "derived", "unknown"]

LABELS: tuple[Label, ...] = ("real", "fake")
ROLES: tuple[Role, ...] = ("real", "sham", "fake")
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
UNSEEN_SPLITS: tuple[Split, ...] = ("validation", "test")  # not trained on
FAKE = LABELS.index("fake")
NONE = "none"  # family and method of a real photo
BESIDE = "beside"  # parameter of a synthesized face: the photo whose size and codec it has
SQUARE = "square"  # parameter of a whole picture: left, top and side of its face, pixels
SHAM = "sham"  # method of a sham; its family is that of the forgery left out


@dataclass(frozen=True)
class PhotoLabels:
    """What is known of a photo beside real and fake.

    A sham and an altered photo carry the labels of their photo, so no label can tell them apart. A
    synthesized face has no photo: its labels are its own, and its licence and consent say so.
    Meanings and how each was got: `DESCRIPTIONS`.
    """

    sex: Sex
    sex_basis: Basis
    sex_confidence: float | None
    birth_year: int | None
    age_band: str
    age_basis: Basis
    age_confidence: float | None
    skin_tone: str
    ita_degrees: float | None
    yaw_degrees: float
    roll_degrees: float
    mouth_width: float
    face_confidence: float
    sharpness: float
    brightness: float
    face_pixels: int
    source_width: int
    source_height: int
    source_jpeg_quality: int | None
    licence: str
    consent: str


@dataclass(frozen=True)
class FaceRecord:
    """One image of the dataset, encoded, with everything known about it.

    `image` is a JPEG, `mask` an 8-bit grey PNG of the same size (0 untouched, 255 replaced) or
    None where nothing was replaced. An altered photo carries the ids of that photo; `pair_id` is
    that photo's `image_id`. `seed` is None where nothing was drawn; `parameters` is a JSON object,
    what the method drew.
    """

    image: bytes
    mask: bytes | None
    label: Label
    role: Role
    family: str
    method: str
    image_id: str
    pair_id: str
    component_id: str
    identity_id: str
    parent_ids: tuple[str, ...]
    source: str
    seed: int | None
    parameters: str
    labels: PhotoLabels


LABEL_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(PhotoLabels))
_OWN_COLUMNS = tuple(field.name for field in fields(FaceRecord) if field.name != "labels")
COLUMNS: tuple[str, ...] = (*_OWN_COLUMNS, *LABEL_COLUMNS)
METADATA_COLUMNS: tuple[str, ...] = COLUMNS[2:]


def to_row(record: FaceRecord) -> dict[str, object]:
    """The record as `datasets` takes it: images as `{"bytes", "path"}`, in `COLUMNS` order."""
    row: dict[str, object] = {name: getattr(record, name) for name in _OWN_COLUMNS}
    row["image"] = {"bytes": record.image, "path": None}
    row["mask"] = None if record.mask is None else {"bytes": record.mask, "path": None}
    row["parent_ids"] = list(record.parent_ids)
    return row | asdict(record.labels)


DESCRIPTIONS: Mapping[str, str] = {
    "image": "JPEG, RGB, the face cropped at its own scale",
    "mask": "8-bit grey PNG, 0 untouched to 255 replaced; null for real and sham",
    "label": "`real` or `fake`",
    "role": "`real`, `sham` or `fake`; a sham went through a forgery with the forging left out",
    "family": "kind of forgery, `none` for a real photo",
    "method": "forgery, `sham`, or `none` for a real photo",
    "image_id": "this image",
    "pair_id": "the photo it was made from; a synthesized face is its own",
    "component_id": "images that must stay in one split: a person and near copies",
    "identity_id": "the person, as the source states it; not a name",
    "parent_ids": "every photo that was used",
    "source": "where the photo comes from",
    "seed": "of the method's draws; null where nothing was drawn",
    "parameters": "JSON: what the method drew",
    "sex": "as perceived: `female`, `male`, `unknown`",
    "sex_basis": "`annotated` by the source, `derived` by a model, `unknown`",
    "sex_confidence": "of the model, 0 to 1; null where annotated",
    "birth_year": "annotated by the source; null where it states none",
    "age_band": "years in the photo, as a model perceives them",
    "age_basis": "`derived` by a model, or `unknown`",
    "age_confidence": "of the model, 0 to 1",
    "skin_tone": "measured: band of the individual typology angle; `unmeasured` in grey photos",
    "ita_degrees": "measured: individual typology angle of the cheeks; null in grey photos",
    "yaw_degrees": "derived from five landmarks: head turned to the viewer's right is positive",
    "roll_degrees": "derived from the eyes: head tilted clockwise is positive",
    "mouth_width": "derived from landmarks, over the eye distance: grows with a smile",
    "face_confidence": "of the face detector, 0 to 1",
    "sharpness": "measured: log10 of the variance of the Laplacian",
    "brightness": "measured: mean grey, 0 to 1",
    "face_pixels": "measured: side of the square crop",
    "source_width": "measured: of the photo before the crop, pixels",
    "source_height": "measured: of the photo before the crop, pixels",
    "source_jpeg_quality": "derived from the photo's quantisation table, 1 to 100; null if no JPEG",
    "licence": "annotated: terms of the photo",
    "consent": "annotated: on what ground the face may be used",
}
