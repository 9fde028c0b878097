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
    return Section(
        key="calibration",
        heading="Calibration",
        lead=_lead(names, measures, first, cohorts),
        points=[*_ratios(names, measures, first, cohorts), *_recalibrated(names, after, first, cohorts)],
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


def _by(table: pl.DataFrame, column: str, **fixed: str) -> dict[str, dict]:
    """Rows by the value of a column."""
    return {row[column]: row for row in table.filter(**fixed).iter_rows(named=True)}


def _words(row: dict, digits: int = 3) -> str:
    return estimate(row["value"], row["low"], row["high"], digits=digits)


def _lead(names: Names, measures: pl.DataFrame, pair: Pair, cohorts: list[str]) -> str:
    sentences = []
    for cohort in cohorts:
        found = _by(measures, "metric", arm=pair[0], mode=pair[1], cohort=cohort)
        if "ici" not in found:
            continue
        scores = f"{names.place(cohort)} the scores of {names.arm(*pair)}"
        off = f"{scores} are off by {_words(found['ici'])} on average (ICI)"
        if "ici_by_chance" in found:
            by_chance = found["ici_by_chance"]["high"]
            more = "more" if found["ici"]["value"] > by_chance else "no more"
            off += f", {more} than chance gives to scores that are right (up to {number(by_chance, 3)})"
        sentences.append(f"{sentence(off)}.")
    return " ".join(sentences)


def _ratios(names: Names, measures: pl.DataFrame, pair: Pair, cohorts: list[str]) -> list[str]:
    """Whether it says too much or too little on the whole."""
    points = []
    for cohort in cohorts:
        row = _by(measures, "metric", arm=pair[0], mode=pair[1], cohort=cohort).get("observed_expected")
        if row is None:
            continue
        word = "fewer" if row["high"] < 1 else "more" if row["low"] > 1 else "about as many"
        than = "as" if word == "about as many" else "than"
        points.append(
            f"{names.cohort(cohort)}: {word} were positive {than} {names.arm(*pair)} predicted; observed over expected "
            f"is {_words(row, 2)}."
        )
    return points


def _recalibrated(names: Names, after: pl.DataFrame, pair: Pair, cohorts: list[str]) -> list[str]:
    """What an intercept and a slope fitted inside do to the ICI."""
    points = []
    for cohort in cohorts:
        found = _by(after, "method", arm=pair[0], mode=pair[1], cohort=cohort, metric="ici")
        if not {"none", "logistic"} <= found.keys():
            continue
        before, now = number(found["none"]["value"], 3), _words(found["logistic"])
        said = f"do not lower its ICI ({before} before, {now} after)"
        if found["logistic"]["value"] < found["none"]["value"]:
            said = f"lower its ICI from {before} to {now}"
        points.append(f"{names.cohort(cohort)}: an intercept and a slope fitted on other patients {said}.")
    return points


def _measures_table(names: Names, measures: pl.DataFrame, arms: list[Pair], cohorts: list[str]) -> TitledTable | None:
    rows = []
    for arm, mode in arms:
        for cohort in cohorts:
            found = _by(measures, "metric", arm=arm, mode=mode, cohort=cohort)
            if found:
                cells = [_words(found[metric]) if metric in found else "" for metric in MEASURES]
                rows.append([names.arm(arm, mode), names.cohort(cohort), *cells])
    heads = ["Arm", "Cohort", *MEASURES.values()]
    return TitledTable("How far off", MEASURES_NOTE, DataTable(heads, rows), folded=True) if rows else None
