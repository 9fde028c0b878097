"""The images of a batch, one or two looks at each, and the vector an encoder makes of one.

Objectives about images read nothing else: another modality, the same in both looks, would let them agree for nothing.
"""

from dataclasses import replace

from jaxtyping import Bool
from torch import Tensor

from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.shapes import Embeddings
from semeia.views.patient import OTHER, View, Views

IMAGE = "image"
RowMask = Bool[Tensor, " batch"]


def has(views: Views, modality: str) -> RowMask:
    """Which rows have any token of a modality, [batch]."""
    view = views.modalities.get(modality)
    if view is None:
        return next(iter(views.modalities.values())).present.any(1) & False
    return view.present.any(1)


def rows_of(view: View, keep: RowMask) -> View:
    """One modality of the rows where `keep` is set."""
    when = None if view.when is None else view.when[keep]
    return replace(view, values=view.values[keep], present=view.present[keep], where=view.where[keep], when=when)


def images(views: Views, keep: RowMask) -> Views:
    """The image alone, of the rows where `keep` is set; all of these must have one."""
    return Views({IMAGE: rows_of(views.modalities[IMAGE], keep)})


def two_looks(views: Views) -> tuple[Views, Views] | None:
    """Both looks at the images of the rows that have both; None where no row has.

    Raises:
        InputError: the batch was made with one look.
    """
    if IMAGE in views.modalities and IMAGE + OTHER not in views.modalities:
        raise InputError(f"this objective compares two looks at an image: the batch has no {IMAGE + OTHER}")
    both = has(views, IMAGE) & has(views, IMAGE + OTHER)
    return (images(views, both), images(views.other(), both)) if bool(both.any()) else None


def image_width(encoder: PatientEncoder) -> int:
    """Length of `image_vectors`. Raises InputError for an encoder that reads no images."""
    if IMAGE not in encoder.kinds:
        raise InputError(f"this objective learns from images; the encoder reads {', '.join(encoder.kinds)}")
    return encoder.pooled_width()


def image_vectors(encoder: PatientEncoder, views: Views) -> Embeddings:
    """Mean and standard deviation of each image's tokens, [batch, pooled_width]."""
    pooled, _ = encoder.pool(encoder(views))
    return pooled[:, encoder.kinds.index(IMAGE)]
