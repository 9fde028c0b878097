"""Audit an archive before anyone trains: what it holds, what is empty, what is suspicious."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from semeia.archive.audit import findings
from semeia.archive.audit.census import Census, census
from semeia.archive.audit.copies import copies
from semeia.archive.audit.findings import Finding, record_findings
from semeia.archive.audit.shortcuts import shortcuts
from semeia.archive.audit.value_findings import value_findings
from semeia.archive.store import Archive, open_archive

_MUCH_MISSING = 0.2
_COUNTS = {"what": pl.String(), "detail": pl.String(), "count": pl.Int64(), "subjects": pl.Int64()}
_MISSING = {"table": pl.String(), "column": pl.String(), "empty": pl.Int64(), "share": pl.Float64()}
_MOST_VALUES = 10
_MOST_LINES = 40
_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Audit:
    """The result of an audit."""

    counts: pl.DataFrame
    missing: pl.DataFrame
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found that forbids training."""
        return not self.problem

    @property
    def problem(self) -> str:
        """What forbids training, in words; empty where nothing does."""
        errors = sum(finding.severity == "error" for finding in self.findings)
        return f"the audit found {errors} kind(s) of error; mend them before anything is trained on it." * bool(errors)

    def __str__(self) -> str:
        """The audit as plain text, for a terminal."""
        counted = [line for what in self.counts.partition_by("what", maintain_order=True) for line in _listed(what)]
        gaps = [
            f"  {row['table']}.{row['column']:<28} {row['share']:6.1%} empty"
            for row in self.missing.filter((pl.col("share") > 0) & (pl.col("share") < 1)).iter_rows(named=True)
        ]
        absent = [f"{row['table']}.{row['column']}" for row in self.missing.filter(share=1).iter_rows(named=True)]
        gaps += [f"  never given: {', '.join(absent)}"] * bool(absent)
        found = [f"  {finding.severity:<8} {finding.count:>7} {finding.words}" for finding in self.findings]
        sections = {"Contents": counted, "Missing": gaps or ["  nothing"], "Findings": found or ["  none"]}
        return "\n".join(line for title, lines in sections.items() for line in (title, *lines))


def audit_archive(archive: Path) -> Audit:
    """Open an archive and audit it."""
    return audit(open_archive(archive))


def audit(archive: Archive) -> Audit:
    """Count, look for gaps, and look for what would make a result wrong or too good.

    Raises:
        InputError: A table is damaged beyond reading.
    """
    broken = findings.broken(archive)
    if any("missing" in finding.words or "changed" in finding.words for finding in broken):
        # no table of a damaged archive is worth reading
        return Audit(pl.DataFrame(schema=_COUNTS), pl.DataFrame(schema=_MISSING), tuple(broken))
    missing = _missing(archive)
    record = census(archive)
    found = [
        *findings.splits(archive.table("subjects")),
        *findings.near_ids(archive.table("subjects")),
        *copies(archive),
        *findings.geometry(archive.table("images")),
        *findings.gaps(archive),
        *value_findings(archive.table("images")),
        *shortcuts(archive),
        *_mostly_missing(missing),
        *record_findings(archive, record),
    ]
    return Audit(_counts(archive, record), missing, tuple(sorted(found, key=lambda finding: _ORDER[finding.severity])))


def _listed(counts: pl.DataFrame) -> list[str]:
    """The lines of one kind of content; of many only the first."""
    width = max([28, *counts.head(_MOST_LINES)["detail"].fill_null("").str.len_chars()])
    lines = [
        f"  {row['what']:<9} {row['detail']:<{width}} {row['count']:>8} of {row['subjects']} subjects"
        for row in counts.head(_MOST_LINES).iter_rows(named=True)
    ]
    further = counts.height - len(lines)
    return [*lines, f"  {counts['what'][0]:<9} ... and {further} further"] if further > 0 else lines


def _counts(archive: Archive, record: Census) -> pl.DataFrame:
    parts = [
        _counted("subjects", archive.table("subjects"), pl.col("site").fill_null("(no site)")),
        _counted("units", archive.table("units"), pl.col("kind")),
        _counted("images", archive.table("images"), pl.col("kind") + " " + pl.col("intensity")),
        _counted("readings", archive.table("readings"), pl.col("reader")),
    ]
    for name in archive.outcomes():
        labels = archive.outcome(name)
        values = pl.lit(name)
        if labels["value"].n_unique() <= _MOST_VALUES:
            values = pl.format("{} = {}", values, pl.col("value").cast(pl.String).str.strip_suffix(".0"))
        parts.append(_counted("outcomes", labels, values))
    ruled = record.rules.with_columns(mode=pl.col("mode") + " (" + pl.col("rule") + ")")
    for what, table in (("events", record.modes), ("by rule", ruled)):
        renamed = table.select(detail="mode", count="events", subjects="patients")
        parts.append(renamed.select(pl.lit(what).alias("what"), pl.all()))
    return pl.concat(parts)


def _counted(what: str, table: pl.DataFrame, detail: pl.Expr) -> pl.DataFrame:
    return (
        table.group_by(detail.alias("detail"))
        .agg(
            pl.len().cast(pl.Int64).alias("count"),
            pl.col("subject_id").n_unique().cast(pl.Int64).alias("subjects"),
        )
        .sort("detail")
        .select(pl.lit(what).alias("what"), pl.col("detail").cast(pl.String), "count", "subjects")
    )


def _missing(archive: Archive) -> pl.DataFrame:
    """Patient units carry no covariates, so they do not count among the units."""
    tables = {
        "subjects": archive.table("subjects"),
        "units": archive.table("units").filter(pl.col("kind") != "patient"),
        "images": archive.table("images"),
    }
    rows = []
    for name, table in tables.items():
        for column in table.columns if table.height else []:
            empty = table[column].null_count()
            rows.append({"table": name, "column": column, "empty": empty, "share": empty / table.height})
    return pl.DataFrame(rows, schema=_MISSING)


def _mostly_missing(missing: pl.DataFrame) -> list[Finding]:
    """Covariates known for some units only; columns that are wholly empty are simply not there."""
    partly = missing.filter((pl.col("table") == "units") & pl.col("share").is_between(_MUCH_MISSING, 0.999))
    return [
        Finding("note", f"units ({row['share']:.0%}) have no {row['column']}", row["empty"])
        for row in partly.iter_rows(named=True)
    ]
