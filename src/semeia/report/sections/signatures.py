"""The signatures of a run: on how much they were learned, how many of them last, and whose records they do not know."""

import polars as pl

from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.estimates import cohorts_of
from semeia.report.names import Names
from semeia.report.numbers import count, duration, share, span
from semeia.report.run_folder import Run

FEWEST = 10
HEADS = ["Seed", "Signatures", "Unstable", "Channels", "Patients", "Sections", "Iterations", "End", "Time"]


def signatures_section(run: Run) -> Section | None:
    """Show the signatures; None where a run has none."""
    names = run.names
    fits = run.records("signatures")
    if not fits:
        return None
    unmapped = run.tables.get("unmapped", pl.DataFrame())
    cohorts = [] if unmapped.is_empty() else [c for c in cohorts_of(run.estimates) if c in set(unmapped["cohort"])]
    rates = [_rates(names, unmapped.filter(cohort=cohort), cohort) for cohort in cohorts]
    note = (
        "Events up to the prediction, of tested patients, whose code is no channel: the training patients hardly had "
        f"it. Where fewer than {FEWEST} patients were tested their number is not shown."
    )
    first = min(int(str(fit["seed"])) for fit in fits)
    atlas = f"What they are made of: pretrained/signatures/seed-{first}/atlas.html in the run folder."
    tables = [TitledTable("The fit of each seed", "", DataTable(HEADS, [_fit(fit) for fit in fits]))]
    if cohorts:
        columns = ("site", "patients", "events", "share")
        every = [(c, *row) for c in cohorts for row in unmapped.filter(cohort=c).select(columns).iter_rows()]
        rows = [
            [names.cohort(c), site, f"fewer than {FEWEST}" if n is None else count(n), count(events), share(part, 1)]
            for c, site, n, events, part in every
        ]
        heads = ["Cohort", "Hospital", "Patients", "Events", "Unmapped"]
        tables.append(TitledTable(f"Unmapped events by hospital ({len(rows)})", note, DataTable(heads, rows), True))
    return Section("signatures", "Signatures", lead=_lead(fits), points=[atlas, *rates], tables=tables)


def _lead(fits: list[dict[str, object]]) -> str:
    seeds = f"in each of {len(fits)} seeds" if len(fits) > 1 else "in one seed"
    return (
        f"{_span(fits, 'signatures')} signatures of {_span(fits, 'channels')} channels were learned, without labels, "
        f"from the records of {_span(fits, 'patients')} patients, {seeds}. {_span(fits, 'unstable')} of them are "
        "unstable: a fit to another draw of the patients does not find them again."
    )


def _rates(names: Names, hospitals: pl.DataFrame, cohort: str) -> str:
    shares, events = hospitals["share"].to_numpy(), hospitals["events"].to_numpy()
    whole = (shares * events).sum() / max(events.sum(), 1)
    ends = " to ".join(share(float(part), 1) for part in (shares.min(), shares.max()))
    return (
        f"Unmapped {names.place(cohort)}: {share(float(whole), 1)} of the events at "
        f"{count(hospitals.height)} hospitals ({ends} by hospital)."
    )


def _fit(fit: dict[str, object]) -> list[str]:
    numbers = [count(float(str(fit[name]))) for name in ("signatures", "unstable", "channels", "patients", "sections")]
    end = [count(float(str(fit["iterations"]))), str(fit["state"]), duration(float(str(fit["seconds"])))]
    return [str(fit["seed"]), *numbers, *end]


def _span(fits: list[dict[str, object]], name: str) -> str:
    return span([float(str(fit[name])) for fit in fits])
