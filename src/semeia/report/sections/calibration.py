"""Show calibration on the page: does an arm mean what it says, by how much not, and does recalibration help."""

import polars as pl

from semeia.report.content import DataTable, Figure, Section, TitledTable
from semeia.report.estimates import held_by
from semeia.report.names import Names, Pair
from semeia.report.numbers import estimate, number, sentence
from semeia.report.plots.curve import PANEL, Axes, Drawing, Line, curve
from semeia.report.run_folder import Run

MOST_DRAWN = 2
# Of the grid: every point in the table, fewer in the words for a reader who cannot see the curve.
IN_TABLE, IN_WORDS = 5, 10
MEASURES = {
    "ici": "ICI",
    "ici_by_chance": "By chance",
    "e50": "E50",
    "e90": "E90",
    "observed_expected": "Observed over expected",
    "scaled_brier": "Scaled Brier score",
}
MEASURES_NOTE = (
    "ICI, E50 and E90: the mean, the median and the 90th percentile of the distance between the predicted probability "
    "and the curve. By chance: the ICI that scores which are right would show, and the range of 95\u00a0% of "
    "simulations; an ICI within it shows no miscalibration, and its interval begins at 0. "
    "Scaled Brier score: 1 is perfect, 0 is no better than giving everyone the prevalence."
)


def calibration_section(run: Run) -> Section | None:
    """Make the section on calibration; None when the run has none of its tables."""
    names = run.names
    curves, measures, after = (run.table(name) for name in ("calibration_curves", "calibration", "recalibration"))
    if curves.is_empty() and measures.is_empty():
        return None
    arms = [pair for pair in run.arms if names.about(pair[0]).role not in ("shortcut", "human")] or run.arms
    cohorts = run.cohorts
    figure = _figure(curves, names, held_by(curves, arms)[:MOST_DRAWN], cohorts)
    table = _measures_table(names, measures, arms, cohorts)
    first = arms[0] if arms else ("", "")
    arm, again = names.arm(*first), after.filter(metric="ici")
    of = {cohort: (_by(measures, "metric", first, cohort), _by(again, "method", first, cohort)) for cohort in cohorts}
    ratios = {cohort: found["observed_expected"] for cohort, (found, _) in of.items() if "observed_expected" in found}
    both = {cohort: found for cohort, (_, found) in of.items() if {"none", "logistic"} <= found.keys()}
    return Section(
        key="calibration",
        heading="Calibration",
        lead=" ".join(_off(names.place(cohort), arm, found) for cohort, (found, _) in of.items() if "ici" in found),
        points=[
            *(f"{names.cohort(cohort)}: {_ratio(arm, row)}" for cohort, row in ratios.items()),
            *(f"{names.cohort(cohort)}: {_recalibrated(found)}" for cohort, found in both.items()),
        ],
        figures=[figure] if figure else [],
        tables=[table] if table else [],
        files=run.files("calibration_curves", "calibration", "recalibration"),
    )


def _figure(curves: pl.DataFrame, names: Names, arms: list[Pair], cohorts: list[str]) -> Figure | None:
    """The smooth curve and its band, a panel an arm and cohort, cohorts side by side."""
    panels, rows = [], []
    for arm, mode in arms:
        for cohort in cohorts:
            found = curves.filter(arm=arm, mode=mode, cohort=cohort).sort("predicted")
            if found.height >= 2:
                title = f"{names.cohort(cohort)}: {names.arm(arm, mode)}"
                panels.append(_draw(found, names, (arm, mode), title, f"calibration{len(panels)}"))
                rows += [[names.cohort(cohort), names.arm(arm, mode), *point] for point in _points(found, IN_TABLE)]
    lead = (
        "Look at the dotted diagonal: on it an arm means what it says; below it, it says too much. The curve is the "
        "share that was positive over the central 95\u00a0% of the scores, its band pointwise 95\u00a0%."
    )
    table = DataTable(["Cohort", "Arm", "Predicted", "Observed share (95\u00a0% interval)"], rows)
    return Figure("calibration", "Calibration curves", lead, panels, table) if panels else None


def _points(found: pl.DataFrame, every: int) -> list[list[str]]:
    return [
        [number(row["predicted"], 2), estimate(row["observed"], row["low"], row["high"])]
        for row in found.gather_every(every).iter_rows(named=True)
    ]


def _draw(found: pl.DataFrame, names: Names, pair: Pair, title: str, key: str) -> Drawing:
    words = "; ".join(f"predicted {said}, observed {true}" for said, true in _points(found, IN_WORDS))
    x, y, low, high = (found[name].to_list() for name in ("predicted", "observed", "low", "high"))
    line = Line(x, y, names.style(*pair), low, high, width=2)
    axes = Axes("Predicted probability", "Observed share", (-0.01, 1.01), (-0.01, 1.01), diagonal=True)
    return curve([line], axes, key=key, title=title, alt=f"Calibration curve. {title}. {words}", height=PANEL * 0.8)


def _by(table: pl.DataFrame, column: str, pair: Pair, cohort: str) -> dict[str, dict]:
    """Rows of one arm in one cohort by the value of a column."""
    rows = table.filter(arm=pair[0], mode=pair[1], cohort=cohort)
    return {row[column]: row for row in rows.iter_rows(named=True)}


def _words(row: dict, digits: int = 3) -> str:
    return estimate(row["value"], row["low"], row["high"], digits=digits)


def _off(place: str, arm: str, found: dict[str, dict]) -> str:
    off = f"{place} the scores of {arm} are off by {_words(found['ici'])} on average (ICI)"
    if "ici_by_chance" in found:
        by_chance = found["ici_by_chance"]["high"]
        more = "more" if found["ici"]["value"] > by_chance else "no more"
        off += f", {more} than chance gives to scores that are right (up to {number(by_chance, 3)})"
    return f"{sentence(off)}."


def _ratio(arm: str, row: dict) -> str:
    """Whether it says too much or too little on the whole."""
    word = "fewer" if row["high"] < 1 else "more" if row["low"] > 1 else "about as many"
    than = "as" if word == "about as many" else "than"
    return f"{word} were positive {than} {arm} predicted; observed over expected is {_words(row, 2)}."


def _recalibrated(found: dict[str, dict]) -> str:
    """What an intercept and a slope fitted inside do to the ICI."""
    before, now = number(found["none"]["value"], 3), _words(found["logistic"])
    said = f"do not lower its ICI ({before} before, {now} after)"
    if found["logistic"]["value"] < found["none"]["value"]:
        said = f"lower its ICI from {before} to {now}"
    return f"an intercept and a slope fitted on other patients {said}."


def _measures_table(names: Names, measures: pl.DataFrame, arms: list[Pair], cohorts: list[str]) -> TitledTable | None:
    rows = [
        [names.arm(*pair), names.cohort(cohort), *(_words(found[m]) if m in found else "" for m in MEASURES)]
        for pair in arms
        for cohort in cohorts
        if (found := _by(measures, "metric", pair, cohort))
    ]
    heads = ["Arm", "Cohort", *MEASURES.values()]
    return TitledTable("How far off", MEASURES_NOTE, DataTable(heads, rows), folded=True) if rows else None
