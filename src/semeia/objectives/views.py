"""Take two augmented views of one modality of a batch, and the vector an encoder makes of each.

Objectives that compare views read nothing else: another modality, the same in both, would let them agree for nothing.
"""

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.shapes import Embeddings


def two_views(batch: Batch, modality: str) -> tuple[Batch, Batch] | None:
    """Take both views of the rows that have both; None where no row has."""
    if modality in batch.modalities and modality not in batch.second:
        raise InputError(f"this objective compares two views of {modality}: the batch has one")
    both = batch.has(modality) & batch.has(modality, second=True)
    if not bool(both.any()):
        return None
    return batch.of(modality, both), batch.of(modality, both, second=True)


def vector_width(encoder: PatientEncoder, modality: str) -> int:
    """Give the length of `vectors`. Raises InputError for an encoder that does not read the modality."""
    if modality not in encoder.kinds:
        raise InputError(f"this objective learns from '{modality}'; the encoder reads {', '.join(encoder.kinds)}")
    return encoder.pooled_width()


def vectors(encoder: PatientEncoder, batch: Batch, modality: str) -> Embeddings:
    """Take mean and standard deviation of the tokens of one modality, [batch, pooled_width]."""
    pooled, _ = encoder.pool(encoder(batch))
    return pooled[:, encoder.kinds.index(modality)]
