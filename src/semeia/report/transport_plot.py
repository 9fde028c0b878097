"""Two forests: each arm inside and outside with the gap between, and the AUROC of each site with its summary."""

import polars as pl

from semeia.report.figures import DataTable, Figure, Palette
from semeia.report.forest import ForestRow, forest_limits, forest_panel
from semeia.report.names import arm_title, cohort_title
from semeia.report.numbers import count, estimate, interval, number, percent

MOST_PANELS = 3


def gap_figure(gaps: pl.DataFrame, palette: Palette, arms: list[tuple[str, str]]) -> Figure | None:
    """AUROC of each arm in each cohort, and the difference.

    Args:
        gaps: rows of the table "transport" without a reference.
        palette: styles of the arms.
        arms: those that are drawn.
    """
    rows = _of_arms(gaps.filter(metric="auroc"), arms)
    if not rows:
        return None
    levels, differences = [], []
    for at, row in enumerate(rows):
        arm, style = arm_title(row["arm"], row["mode"]), palette.style(row["arm"], row["mode"])
        if not at or (row["arm"], row["mode"]) != (rows[at - 1]["arm"], rows[at - 1]["mode"]):
            inside = (row["inside_low"], row["inside_high"])
            words = estimate(row["inside"], *inside)
            levels.append(ForestRow(cohort_title(row["home"]), words, row["inside"], inside, style, arm))
        outside, gap = (row["outside_low"], row["outside_high"]), (row["low"], row["high"])
        name = cohort_title(row["cohort"])
        levels.append(ForestRow(name, estimate(row["outside"], *outside), row["outside"], outside, style, arm))
        words = estimate(row["gap"], *gap, digits=3, sign=True)
        differences.append(ForestRow(f"{name} minus {cohort_title(row['home'])}", words, row["gap"], gap, style, arm))
    heads = ["Arm", "Cohort", "At home", "There", "Gap", "Detectable gap", "Units", "Patients", "Positive"]
    return Figure(
        key="transport-gap",
        title="Inside and outside",
        lead="AUROC with all labels in each cohort, and its gap: what the other cohort's patients have, less what "
        "those at home have. The cohorts hold different patients, so the gap's interval holds the chance of both.",
        panels=[
            forest_panel(levels, key="transport-gap0", title="AUROC", alt="AUROC by arm and cohort.", axis="AUROC"),
            forest_panel(differences, key="transport-gap1", title="Gap", alt="Gap by arm.", axis="AUROC gap", null=0.0),
        ],
        table=DataTable(heads, [_gap_words(row) for row in rows]),
    )


def sites_figure(sites: pl.DataFrame, palette: Palette, arms: list[tuple[str, str]]) -> Figure | None:
    """AUROC of each site, a panel an arm; the summaries have a thin line where a new site is expected."""
    drawn = [pair for pair in arms if _of_arms(sites, [pair])][:MOST_PANELS]
    if not drawn:
        return None
    panels = {pair: [_site_row(row, palette) for row in _of_arms(sites, [pair])] for pair in drawn}
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
                title=arm_title(*pair),
                alt=f"AUROC of {arm_title(*pair)} by site.",
                axis="AUROC",
                limits=(max(0.0, low), min(1.0, high)),
            )
            for index, (pair, rows) in enumerate(panels.items())
        ],
        table=DataTable(heads, [_site_words(row) for row in _of_arms(sites, arms)]),
    )


def _of_arms(table: pl.DataFrame, arms: list[tuple[str, str]]) -> list[dict]:
    rows = [row for row in table.iter_rows(named=True) if (row["arm"], row["mode"]) in arms]
    return sorted(rows, key=lambda row: arms.index((row["arm"], row["mode"])))


def _gap_words(row: dict) -> list[str]:
    return [
        arm_title(row["arm"], row["mode"]),
        cohort_title(row["cohort"]),
        estimate(row["inside"], row["inside_low"], row["inside_high"], digits=3),
        estimate(row["outside"], row["outside_low"], row["outside_high"], digits=3),
        estimate(row["gap"], row["low"], row["high"], digits=3, sign=True),
        "" if row["detectable"] is None else number(row["detectable"], 3),
        *(count(row[name]) for name in ("n", "n_patients", "n_positive")),
    ]


def _site_row(row: dict, palette: Palette) -> ForestRow:
    summary = row["kind"] == "summary"
    return ForestRow(
        name="Mean over sites" if summary else row["site"],
        words=estimate(row["value"], row["low"], row["high"]),
        value=row["value"],
        ends=(row["low"], row["high"]),
        style=palette.style(row["arm"], row["mode"]),
        group=cohort_title(row["cohort"]),
        wide=(row["predict_low"], row["predict_high"]),
    )


def _site_words(row: dict) -> list[str]:
    summary = row["kind"] == "summary"
    return [
        arm_title(row["arm"], row["mode"]),
        cohort_title(row["cohort"]),
        f"mean over {row['sites']} sites" if summary else row["site"],
        estimate(row["value"], row["low"], row["high"], digits=3),
        interval(row["predict_low"], row["predict_high"]),
        "" if row["weight"] is None else percent(round(row["weight"], 2)),
        *("" if row[name] is None else count(row[name]) for name in ("n", "n_patients", "n_positive")),
    ]
