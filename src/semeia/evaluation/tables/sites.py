"""Summarise AUROCs over sites by random effects: what may be expected at the next one.

A site's AUROC enters on the logit scale with the standard error of its draws (delta method; Debray et al. 2019).
"""

import numpy as np
import polars as pl
from scipy.special import expit, logit

from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.statistics.random_effects import summarise_sites
from semeia.evaluation.tables.columns import PLACE, TABLES, Row

ELSEWHERE = "every cohort but {}"
EVERYWHERE = "every cohort"


def site_summaries(judged: Judged, at_sites: pl.DataFrame) -> pl.DataFrame:
    """The table "sites": a row a site (`at_sites` has its AUROC and `se`), and a row ("summary") for those of a cohort.

    Of a summary `value`, `low`, `high` are the mean over sites with its Hartung-Knapp interval, `predict_low` and
    `predict_high` where the AUROC of a new site is expected; `between_site_sd` is on the logit scale, `inconsistency`
    is I squared. Several cohorts other than the home one are also summarised together.
    """
    rows: list[Row] = []
    for (study, outcome), places in judged.outcomes().items():
        found: dict[str, list[list[Row]]] = {place.cohort: [] for place in places}
        of_outcome = at_sites.filter(pl.col("study") == study, pl.col("outcome") == outcome)
        for (cohort, *_), sites in of_outcome.group_by("cohort", "arm", "mode", "fraction", maintain_order=True):
            entering = sites.filter(pl.col("value") > 0, pl.col("value") < 1, pl.col("se") > 0)
            for name in sites.filter(~pl.col("site").is_in(entering["site"].to_list()))["site"]:
                judged.notes.add("site left out, its AUROC has no standard error", f"{name}, {cohort}")
            of_cell = [{**row, "kind": "site"} for row in entering.iter_rows(named=True)]
            found[str(cohort)].append(of_cell)
            weighted, summary = _summary(judged, of_cell)
            rows += [*weighted, *summary]
        rows += _over_cohorts(judged, places, found)
    return pl.DataFrame(rows, schema=TABLES["sites"])


def _summary(judged: Judged, rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """The rows with their shares in the summary, and the row of the summary; none of a single site."""
    if len(rows) < 2:
        return rows, []
    value = np.array([row["value"] for row in rows], dtype=np.float64)
    error = np.array([row["se"] for row in rows], dtype=np.float64) / (value * (1 - value))
    summary = summarise_sites(logit(value), error, level=judged.settings.level)
    ends = {"value": summary.mean, "low": summary.low, "high": summary.high}
    ends |= {"predict_low": summary.predict_low, "predict_high": summary.predict_high}
    own: Row = {
        "kind": "summary",
        "site": None,
        "metric": "auroc",
        **{name: None if end is None else float(expit(end)) for name, end in ends.items()},
        "interval_method": f"{judged.settings.level:.0%} Hartung-Knapp, REML, logit scale",
        "between_site_sd": float(np.sqrt(summary.variance)),
        "inconsistency": summary.inconsistency,
        "sites": len(rows),
    }
    weighted = [row | {"weight": float(weight)} for row, weight in zip(rows, summary.weights, strict=True)]
    return weighted, [{name: rows[0][name] for name in PLACE} | own]


def _over_cohorts(judged: Judged, places: list[Place], found: dict[str, list[list[Row]]]) -> list[Row]:
    """The summary of the sites of several cohorts together, the home cohort left out."""
    away = [place for place in places if not place.inside]
    if len(away) < 2:
        return []
    home = next((place.cohort for place in places if place.inside), None)
    name = EVERYWHERE if home is None else ELSEWHERE.format(home)
    by_cell: dict[tuple[object, ...], list[Row]] = {}
    for place in away:
        for rows in found[place.cohort]:
            for row in rows:
                by_cell.setdefault((row["arm"], row["mode"], row["fraction"]), []).append(row)
    return [row | {"cohort": name} for every in by_cell.values() for row in _summary(judged, every)[1]]
