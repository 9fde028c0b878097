"""Express fitted signatures of patients at dates.

The record is truncated at the date, so later events cannot change an expression. Beside the expressions stands how much
of each site's records the model does not know.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float64

from semeia.archive.store import Archive
from semeia.errors import InputError
from semeia.signatures.curves import SectionValues
from semeia.signatures.model import SignatureModel
from semeia.signatures.streaming import section_values
from semeia.signatures.unmapped import unmapped


@dataclass(frozen=True)
class Expressions:
    """What `express` gives.

    Attributes:
        table: subject_id, time, then one column a signature; one row a section, in the order given.
        unmapped: of each site, how much of its records has no channel (see unmapped.py).
    """

    table: pl.DataFrame
    unmapped: pl.DataFrame


def express(
    model: SignatureModel,
    archive: Archive,
    sections: pl.DataFrame,
    *,
    unseen: bool = False,
    workers: int = 1,
) -> Expressions:
    """Express the signatures of patients at dates.

    Args:
        model: Fitted signatures.
        archive: Where the records are; its codes need not be those the model was fitted on.
        sections: subject_id (the archive's), time in UTC without a zone; any order, one may be there twice.
        unseen: Whether these patients are a test: then refuse those that the model was fitted on.
        workers: Number of processes.

    Raises:
        InputError: The fit is not usable, there are no sections, a subject is unknown, or a test patient was fitted on.
    """
    model.require_usable()
    if sections.is_empty():
        raise InputError("there are no dates to express signatures at.")
    if unseen:
        model.fitted_on.require_unseen(archive, sections["subject_id"].unique().to_list())
    ordered = sections.with_row_index("_place").sort("subject_id", "time", maintain_order=True)
    asked = ordered.select("subject_id", "time")
    stream = section_values(archive, asked, model.channels, window=model.window, seed=model.seed, workers=workers)
    parts = [_expressed(model, values) for values in stream]
    expressed = pl.DataFrame(np.concatenate(parts), schema=list(model.names), orient="row")
    table = pl.concat([ordered, expressed], how="horizontal").sort("_place").drop("_place")
    return Expressions(table, unmapped(archive, asked, model.channels))


def _expressed(model: SignatureModel, values: SectionValues) -> Float64[np.ndarray, "rows k"]:
    """Expressions of some sections: those of nothing but fills, and what the values add; each row for itself."""
    from scipy.sparse import csr_array

    fill = model.scaling.fill_row
    beyond = model.scaling.standardised(values.channel, values.value) - fill[values.channel]
    rows = csr_array((beyond, (values.row, values.channel)), shape=(values.rows, len(fill)))
    return (fill - model.components.mean) @ model.components.unmixing.T + rows @ model.components.unmixing.T
