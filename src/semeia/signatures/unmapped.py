"""Count how much of a site's records has codes that the channels do not know.

A code that the training patients did not have (or hardly) means nothing to the signatures. Where a large share of a
site's events is like that, its expressions describe the coding, not the patients.
"""

import polars as pl

from semeia.archive.store import Archive
from semeia.signatures.channels import MODES, Channels

COLUMNS = ("site", "patients", "events", "unmapped_events", "share", "codes", "unmapped_codes")


def unmapped(archive: Archive, sections: pl.DataFrame, channels: Channels) -> pl.DataFrame:
    """Unmapped events and codes of each site, over the events its sections see.

    Args:
        archive: Where the events are.
        sections: subject_id, time. An event counts once, if any section of its patient sees it.
        channels: A code is mapped if it is one of them. Codes without any kind of curve do not count at all.

    Returns:
        COLUMNS, by site; `share` is unmapped_events / events, 0 for a site without events. An unknown site is "".
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
