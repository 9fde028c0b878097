"""Show other cohorts and sites on the page: what is lost outside, who is there, what to expect at the next site."""

from dataclasses import replace

import polars as pl

from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.estimates import rows_of
from semeia.report.metrics import covariate_heading, metric_title
from semeia.report.names import Names, Pair
from semeia.report.numbers import count, estimate, interval, listed, lowered, number, percent
from semeia.report.plots.forest import Forest, ForestRow, forest_limits, row_of_table
from semeia.report.run_folder import Run

MOST_SITES = 2  # arms of which each site is drawn
# The c-statistic of the membership model from which cohorts are said to differ somewhat, and much.
SOME, MUCH = 0.6, 0.8
TWO_SITES = "two sites cannot say what a third will do"
MEANS = {
    "hardly": "as far as these columns show, a gap is not one of other cases",
    "somewhat": "part of a gap may be that the cases are others",
    "well": "the cohorts hold other cases, and a gap may be mostly that",
}
PLAIN = {"units": "Units", "patients": "Patients", "units a patient": "Units a patient", "prevalence": "Positive"}
COMPARED = ("standardised mean difference", "largest difference of shares")
REACHED = {"yes": "yes", "units": "only if the units of a patient were independent", "no": "no"}
SIZE_NOTE = (
    "How many units an external validation needs for 95\u00a0% intervals of the width aimed at (Riley et al. 2021), "
    "assuming the AUROC and the spread of scores seen where thresholds are chosen, and each cohort's own prevalence, "
    "at which net benefit is judged. The formulas are for independent units; where patients have several, the truth "
    "lies between both counts."
)
Key = tuple[str, str, str]  # cohort, characteristic, level


def transport_section(run: Run) -> Section | None:
    """Make the section on other cohorts and sites; None when the run has none of its tables."""
    names = run.names
    known = ("transport", "case_mix", "sites", "validation_size")
    gaps, mix, sites, sizes = (run.table(name) for name in known)
    if all(table.is_empty() for table in (gaps, mix, sites, sizes)):
        return None
    arms, cohorts = run.arms, run.cohorts_in(mix)
    own = gaps.filter(reference="", metric="auroc")
    figures = [_gap_figure(own, names, arms), _sites_figure(sites, names, arms)]
    tables = [_who_table(names, mix, cohorts), _size_table(names, sizes, arms, cohorts)]
    first = arms[0] if arms else ("", "")
    paired = gaps.filter(pl.col("reference") != "", pl.col("mode") != "frozen", metric="auroc").rows(named=True)
    lacking = sizes.filter(arm=first[0], mode=first[1], reached="no")
    points = [
        *(_against_scratch(names, row) for row in paired if names.is_pretraining(row["arm"], row["reference"])),
        *(_told(names, row) for row in _rows(mix, first, characteristic="membership model")),
        *(_over_sites(names, row) for row in _rows(sites, first, kind="summary")),
        *(_too_few(names, part) for part in lacking.partition_by("cohort", maintain_order=True)),
    ]
    return Section(
        key="transport",
        heading="From one cohort to another" if not gaps.is_empty() else "Cohort and sites",
        lead=" ".join(_gap(names, row) for row in _rows(own, first)),
        points=points,
        figures=[figure for figure in figures if figure is not None],
        tables=[table for table in tables if table is not None],
        files=run.files(*known),
    )


def _gap_figure(gaps: pl.DataFrame, names: Names, arms: list[Pair]) -> Figure | None:
    """AUROC of each arm less that of the home cohort."""
    ordered = sorted(rows_of(gaps, arms), key=lambda row: row["cohort"])
    between = [f"{names.cohort(row['cohort'])} minus {names.cohort(row['home'])}" for row in ordered]
    pairs = zip(ordered, between, strict=True)
    rows = [row_of_table(row, names, group=group, value="gap") for row, group in pairs]
    lead = (
        f"AUROC{names.all_labels} of the other cohort less that of the home cohort: left of zero, it is lost on the "
        "way. The cohorts hold different patients, so the interval holds the chance of both."
    )
    panel = Forest("Gap", rows, "Difference in AUROC", 0.0, forest_limits(rows, 0.0))
    return Figure("transport-gap", "From one cohort to another", lead, [panel]) if rows else None


def _sites_figure(sites: pl.DataFrame, names: Names, arms: list[Pair]) -> Figure | None:
    """AUROC of each site, a panel an arm; the summaries have a thin line where a new site is expected."""
    # the one site of a cohort is that cohort, which stands elsewhere.
    several = pl.col("site").filter(pl.col("kind") == "site").n_unique().over("cohort") > 1
    panels = {pair: [_site_row(row, names) for row in rows_of(sites.filter(several), [pair])] for pair in arms}
    panels = dict([(pair, rows) for pair, rows in panels.items() if rows][:MOST_SITES])
    if not panels:
        return None
    # a prediction interval of few sites spans nearly everything: it ends at the frame, and is said in words.
    sized = [replace(row, wide=(None, None)) for rows in panels.values() for row in rows]
    low, high = forest_limits(sized, None)
    lead = (
        "AUROC of each site, and its mean over the sites of a cohort (random effects, REML, Hartung-Knapp). The thin "
        "line is where the AUROC of a new site is expected; it may leave the drawing."
    )
    limits = (max(0.0, low), min(1.0, high))
    drawn = [Forest(names.arm(*pair), rows, "AUROC", None, limits) for pair, rows in panels.items()]
    return Figure("transport-sites", "Sites", lead, [*drawn])


def _site_row(row: dict, names: Names) -> ForestRow:
    name = "Mean over sites" if row["kind"] == "summary" else row["site"]
    made = row_of_table(row, names, name=name, group=names.cohort(row["cohort"]))
    return replace(made, wide=(row["predict_low"], row["predict_high"]))


def _rows(table: pl.DataFrame, pair: Pair, **fixed: str) -> list[dict]:
    return table.filter(arm=pair[0], mode=pair[1], **fixed).rows(named=True)


def _difference_words(row: dict) -> str:
    return estimate(row["gap"], row["low"], row["high"], digits=3, sign=True)


def _gap(names: Names, row: dict) -> str:
    chance = ", which may be chance; with so many patients a true gap of {} is found four times in five"
    power = "" if row["detectable"] is None else chance.format(number(row["detectable"], 3))
    return (
        f"The AUROC of {names.arm(row['arm'], row['mode'])} is {number(row['inside'], 3)} {names.place(row['home'])} "
        f"and {number(row['outside'], 3)} {names.place(row['cohort'])}, a gap of {_difference_words(row)}{power}."
    )


def _against_scratch(names: Names, row: dict) -> str:
    """Whether a pretrained arm loses more outside than the same network without pretraining."""
    found = "more" if row["high"] < 0 else "less" if row["low"] > 0 else ""
    said = f"lost {found} of its AUROC" if found else "was not shown to lose more or less of its AUROC"
    power = "" if row["detectable"] is None else f"; detectable: {number(row['detectable'], 3)}"
    return (
        f"From {lowered(names.cohort(row['home']))} to {lowered(names.cohort(row['cohort']))}, "
        f"{names.arm(row['arm'], row['mode'])} {said} than {names.reference(row['reference'])} (difference of gaps "
        f"{_difference_words(row)}{power})."
    )


def _told(names: Names, row: dict) -> str:
    """How well a cohort can be told, and what that says of a gap."""
    alike = "hardly" if row["value"] < SOME else "somewhat" if row["value"] < MUCH else "well"
    return (
        f"From its covariates and score, a unit {names.place(row['cohort'])} can {alike} be told from one "
        f"{names.place(row['compared_with'])} (c-statistic {estimate(row['value'], row['low'], row['high'])}): "
        f"{MEANS[alike]}."
    )


def _over_sites(names: Names, row: dict) -> str:
    expected = interval(row["predict_low"], row["predict_high"])
    new = f"at a new site it is expected from {expected}" if expected else TWO_SITES
    few = ", a wide range because there are few sites" if expected and row["sites"] < 5 else ""
    return (
        f"{names.cohort(row['cohort'])}: over {count(row['sites'])} sites the AUROC is "
        f"{estimate(row['value'], row['low'], row['high'])} on average; {new}{few}. "
        f"{percent(round(row['inconsistency'], 2))} of the variation between sites is more than chance (I\u00b2)."
    )


def _too_few(names: Names, lacking: pl.DataFrame) -> str:
    """Which criteria the units of a cohort do not reach."""
    rows = lacking.rows(named=True)
    named = [f"{lowered(metric_title(row['criterion']))} ({count(row['needed'])})" for row in rows]
    return (
        f"{names.cohort(rows[0]['cohort'])}: {count(rows[0]['n'])} units are too few to pin down {listed(named)}; "
        "in brackets the units needed."
    )


def _who_table(names: Names, mix: pl.DataFrame, cohorts: list[str]) -> TitledTable | None:
    """Tabulate sizes, prevalence and covariates, cohorts side by side."""
    own = mix.filter(arm="")
    if own.is_empty():
        return None
    at: dict[Key, dict[str, dict]] = {}
    for row in own.iter_rows(named=True):
        at.setdefault((row["cohort"], row["characteristic"], row["level"]), {})[row["measure"]] = row
    others = [cohort for cohort in cohorts if not own.filter(pl.col("compared_with") != "", cohort=cohort).is_empty()]
    rows: list[list[str]] = []
    for name in own["characteristic"].unique(maintain_order=True):
        levels = own.filter(characteristic=name, measure="share")["level"].unique(maintain_order=True).to_list()
        numeric = not own.filter(characteristic=name, measure="median").is_empty()
        kind = ", median (quartiles)" if numeric else ""
        for level in levels if name not in PLAIN and levels else [""]:
            title = PLAIN.get(name, covariate_heading(name)) + (f": {level}" if level else kind)
            # the largest difference is one of all levels: it stands beside the first.
            first = level in ("", *levels[:1])
            differences = [_difference(at.get((cohort, name, ""), {})) if first else "" for cohort in others]
            rows.append([title, *(_cell(at.get((cohort, name, level), {})) for cohort in cohorts), *differences])
    heads = ["", *(names.cohort(cohort) for cohort in cohorts)]
    heads += [f"Difference, {names.cohort(cohort)}" if len(others) > 1 else "Difference" for cohort in others]
    differ = "Difference: standardised of means; of shares, the largest. " if others else ""
    note = f"Of numbers median and quartiles, of words shares. {differ}Values of fewer than 10 patients are pooled."
    title = "Who is in each cohort" if len(cohorts) > 1 else "Who was tested"
    return TitledTable(title, note, DataTable(heads, rows), folded=True)


def _cell(known: dict[str, dict]) -> str:
    """What is known of one level in one cohort, by measure."""
    if "count" in known:
        return count(known["count"]["value"])
    if "mean" in known:
        return number(known["mean"]["value"], 2)
    if "share" in known:
        value, low, high = (known["share"][end] for end in ("value", "low", "high"))
        return _percent(value) + (f" ({_percent(low)} to {_percent(high)})" if low is not None else "")
    if not {"median", "lower quartile", "upper quartile"} <= known.keys():
        return "too few"
    median, low, high = (f"{known[part]['value']:g}" for part in ("median", "lower quartile", "upper quartile"))
    missing = known["missing"]["value"] if "missing" in known else 0
    return f"{median} ({low} to {high})" + (f"; {_percent(missing)} missing" if missing > 0 else "")


def _difference(known: dict[str, dict]) -> str:
    found = [(measure, known[measure]["value"]) for measure in COMPARED if measure in known]
    return number(found[0][1], 2, sign=found[0][0] == COMPARED[0]) if found else ""


def _size_table(names: Names, sizes: pl.DataFrame, arms: list[Pair], cohorts: list[str]) -> TitledTable | None:
    """Tabulate units needed for intervals of a stated width, against those there are, of the first arm."""
    order = {cohort: at for at, cohort in enumerate(cohorts)}
    rows = [
        [
            names.cohort(row["cohort"]),
            metric_title(row["criterion"]),
            *(number(row[name], 2) for name in ("target_width", "expected_width")),
            *(count(row[name]) for name in ("needed", "n", "n_patients")),
            REACHED[row["reached"]],
        ]
        for row in sorted(rows_of(sizes, arms[:1]), key=lambda row: order.get(row["cohort"], len(order)))
    ]
    heads = ["Cohort", "Measure", "Width aimed at", "Width to expect", "Needed", "Units", "Patients", "Enough"]
    title = f"How many units a validation of {names.arm(*arms[0])} needs" if arms else ""
    return TitledTable(title, SIZE_NOTE, DataTable(heads, rows), folded=True) if rows else None


def _percent(share: float) -> str:
    return percent(round(share, 2))
