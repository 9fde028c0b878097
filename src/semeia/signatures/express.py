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
from semeia.signatures.channels import MODES, Channels
from semeia.signatures.curves import SectionValues
from semeia.signatures.model import SignatureModel
from semeia.signatures.streaming import section_values


@dataclass(frozen=True)
class Expressions:
    """What `express` gives.

    Attributes:
        table: subject_id, time, then one column a signature; one row a section, in the order given.
        unmapped: of each site, how much of its records has no channel.
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
        archive: Where the records are; its codes need not be those the model was fitted on.
        sections: subject_id (the archive's), time in UTC without a zone; any order, one may be there twice.
        unseen: Whether these patients are a test: then refuse those that the model was fitted on.

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


COLUMNS = ("site", "patients", "events", "unmapped_events", "share", "codes", "unmapped_codes")


def unmapped(archive: Archive, sections: pl.DataFrame, channels: Channels) -> pl.DataFrame:
    """Unmapped events and codes of each site, over the events its sections see (each once): COLUMNS, by site.

    A code that the training patients did not have (or hardly) is no channel and means nothing to the signatures. Where
    a large share of a site's events is like that, its expressions describe the coding, not the patients. Codes without
    any kind of curve do not count at all. `share` is 0 for a site without events; an unknown site is "".
    """
    until = sections.group_by("subject_id").agg(pl.col("time").max().alias("until"))
    sites = archive.table("subjects").select("subject_id", pl.col("site").fill_null(""))
    known = archive.codes().filter(pl.col("mode").is_in(MODES)).select("code")
    counted = [pl.DataFrame(schema={"site": pl.String, "code": pl.String, "len": pl.UInt32})]
    for events in archive.event_batches(subjects=until["subject_id"].to_list()):
        seen = events.join(until, on="subject_id").filter(
            pl.col("time").is_null() | (pl.col("time") <= pl.col("until"))
        )
        own = seen.join(known, on="code", how="semi").join(sites, on="subject_id")
        counted.append(own.group_by("site", "code").len())
    mapped = pl.col("code").is_in(channels.table["code"].implode())
    codes = pl.concat(counted).group_by("site", "code").agg(pl.col("len").sum().cast(pl.Int64))
    rates = codes.group_by("site").agg(
        events=pl.col("len").sum(),
        unmapped_events=pl.col("len").filter(~mapped).sum(),
        codes=pl.len().cast(pl.Int64),
        unmapped_codes=(~mapped).sum().cast(pl.Int64),
    )
    patients = until.join(sites, on="subject_id").group_by("site").agg(patients=pl.len().cast(pl.Int64))
    whole = patients.join(rates, on="site", how="left").with_columns(pl.exclude("site", "patients").fill_null(0))
    share = (pl.col("unmapped_events") / pl.col("events")).fill_nan(0.0)
    return whole.with_columns(share=share).select(COLUMNS).sort("site")
