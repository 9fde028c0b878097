"""Draw two forests: each arm inside and outside with the gap between, and the AUROC of each site with its summary."""

import polars as pl

from semeia.report.content import DataTable, Figure
from semeia.report.estimates import rows_of
from semeia.report.names import Names
from semeia.report.numbers import count, estimate, interval, number, percent
from semeia.report.plots.forest import ForestRow, forest_limits, forest_panel

MOST_PANELS = 3


def gap_figure(gaps: pl.DataFrame, names: Names, arms: list[tuple[str, str]]) -> Figure | None:
    """Draw AUROC of each arm in each cohort, and the difference.

    Args:
        gaps: rows of the table "transport" without a reference.
        names: styles of the arms.
        arms: those that are drawn.
    """
    rows = rows_of(gaps.filter(metric="auroc"), arms)
    if not rows:
        return None
    levels, differences = [], []
    for at, row in enumerate(rows):
        arm, style = names.arm(row["arm"], row["mode"]), names.style(row["arm"], row["mode"])
        if not at or (row["arm"], row["mode"]) != (rows[at - 1]["arm"], rows[at - 1]["mode"]):
            inside = (row["inside_low"], row["inside_high"])
            words = estimate(row["inside"], *inside)
            levels.append(ForestRow(names.cohort(row["home"]), words, row["inside"], inside, style, arm))
        outside, gap = (row["outside_low"], row["outside_high"]), (row["low"], row["high"])
        name = names.cohort(row["cohort"])
        levels.append(ForestRow(name, estimate(row["outside"], *outside), row["outside"], outside, style, arm))
        words = estimate(row["gap"], *gap, digits=3, sign=True)
        differences.append(ForestRow(f"{name} minus {names.cohort(row['home'])}", words, row["gap"], gap, style, arm))
    heads = [
        "Arm",
        "Cohort",
        "Reference cohort",
        "This cohort",
        "Gap",
        "Detectable gap",
        "Units",
        "Patients",
        "Positive",
    ]
    return Figure(
        key="transport-gap",
        title="From one cohort to another",
        lead=f"AUROC{names.all_labels} in each cohort, and its gap: that of the other cohort less that of the home "
        "cohort. The cohorts hold different patients, so the gap's interval holds the chance of both.",
        panels=[
            forest_panel(levels, key="transport-gap0", title="AUROC", alt="AUROC by arm and cohort.", axis="AUROC"),
            forest_panel(differences, key="transport-gap1", title="Gap", alt="Gap by arm.", axis="AUROC gap", null=0.0),
        ],
        table=DataTable(heads, [_gap_words(names, row) for row in rows]),
    )


def sites_figure(sites: pl.DataFrame, names: Names, arms: list[tuple[str, str]]) -> Figure | None:
    """Draw AUROC of each site, a panel an arm; the summaries have a thin line where a new site is expected."""
    drawn = [pair for pair in arms if rows_of(sites, [pair])][:MOST_PANELS]
    if not drawn:
        return None
    panels = {pair: [_site_row(row, names) for row in rows_of(sites, [pair])] for pair in drawn}
    # a prediction interval of few sites spans nearly everything: it is cut off, and said in words.
    sized = [row for rows in panels.values() for row in rows]
    low, high = forest_limits([ForestRow("", "", row.value, row.ends, row.style) for row in sized], None)
    heads = ["Arm", "Cohort", "Site", "AUROC", "Expected at a new site", "Weight", "Units", "Patients", "Positive"]
    return Figure(
        key="transport-sites",
        title="Sites",
        lead="AUROC of each site, and its mean over the sites of a cohort (random effects, REML, Hartung-Knapp). The "
        "thin line is where the AUROC of a new site is expected; it may leave the drawing.",
        panels=[
            forest_panel(
                rows,
                key=f"transport-sites{index}",
                title=names.arm(*pair),
                alt=f"AUROC of {names.arm(*pair)} by site.",
                axis="AUROC",
                limits=(max(0.0, low), min(1.0, high)),
            )
            for index, (pair, rows) in enumerate(panels.items())
        ],
        table=DataTable(heads, [_site_words(names, row) for row in rows_of(sites, arms)]),
    )


def _gap_words(names: Names, row: dict) -> list[str]:
    return [
        names.arm(row["arm"], row["mode"]),
        names.cohort(row["cohort"]),
        estimate(row["inside"], row["inside_low"], row["inside_high"], digits=3),
        estimate(row["outside"], row["outside_low"], row["outside_high"], digits=3),
        estimate(row["gap"], row["low"], row["high"], digits=3, sign=True),
        "" if row["detectable"] is None else number(row["detectable"], 3),
        *(count(row[name]) for name in ("n", "n_patients", "n_positive")),
    ]


def _site_row(row: dict, names: Names) -> ForestRow:
    summary = row["kind"] == "summary"
    return ForestRow(
        name="Mean over sites" if summary else row["site"],
        words=estimate(row["value"], row["low"], row["high"]),
        value=row["value"],
        ends=(row["low"], row["high"]),
        style=names.style(row["arm"], row["mode"]),
        group=names.cohort(row["cohort"]),
        wide=(row["predict_low"], row["predict_high"]),
    )


def _site_words(names: Names, row: dict) -> list[str]:
    summary = row["kind"] == "summary"
    return [
        names.arm(row["arm"], row["mode"]),
        names.cohort(row["cohort"]),
        f"mean over {row['sites']} sites" if summary else row["site"],
        estimate(row["value"], row["low"], row["high"], digits=3),
        interval(row["predict_low"], row["predict_high"]),
        "" if row["weight"] is None else percent(round(row["weight"], 2)),
        *("" if row[name] is None else count(row[name]) for name in ("n", "n_patients", "n_positive")),
    ]
