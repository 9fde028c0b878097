"""The AUROC of each site, and its random-effects summary over sites: what may be expected at the next one.

A site's AUROC enters on the logit scale with the standard error of its bootstrap draws (delta method; Debray et al.
2019). Sites are summarised within each cohort; where several cohorts other than the home one each have sites, also over
all of those ("every cohort but internal"). A site with fewer than 10 patients, positives or negatives is named in a
note and enters nothing.
"""

import numpy as np
import polars as pl
from scipy.special import expit, logit

from semeia.evaluation.cells import Cell, Fold, restrict
from semeia.evaluation.judged import Judged, Place
from semeia.evaluation.statistics.random_effects import Summary, summarise_sites
from semeia.evaluation.summary import Row
from semeia.evaluation.tables.across_seeds import auroc_across_seeds, mostly_defined
from semeia.evaluation.tables.suppression import SHOWN, SUPPRESSED, suppress
from semeia.evaluation.tables.table_rows import (
    COUNT_COLUMNS,
    INTERVAL_COLUMNS,
    PLACE_COLUMNS,
    count_columns,
    place_columns,
)
from semeia.evaluation.uncertainty import interval_of

ELSEWHERE = "every cohort but {}"
EVERYWHERE = "every cohort"
SITE_COLUMNS: dict[str, type[pl.DataType]] = {
    **PLACE_COLUMNS,
    "kind": pl.String,
    "site": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    **INTERVAL_COLUMNS,
    "weight": pl.Float64,
    "predict_low": pl.Float64,
    "predict_high": pl.Float64,
    "between_site_sd": pl.Float64,
    "inconsistency": pl.Float64,
    "sites": pl.Int64,
    **COUNT_COLUMNS,
}


def sites(judged: Judged) -> pl.DataFrame:
    """The table "sites": a row a site (`kind` "site") and a row for their summary (`kind` "summary").

    Of summary rows, `value`, `low`, `high` are the mean over sites with its Hartung-Knapp interval and `predict_low`,
    `predict_high` where the AUROC of a new site is expected (none with fewer than three sites); `between_site_sd` is on
    the logit scale, `inconsistency` is I squared. `weight` is a site's share in the summary of its cohort.
    """
    if judged.table["site"].is_null().all():
        return pl.DataFrame(schema=SITE_COLUMNS)
    rows: list[Row] = []
    for places in judged.outcomes().values():
        found = {place.cohort: _of_place(judged, place) for place in places}
        if (
            len({row["site"] for of_cohort in found.values() for cell_rows in of_cohort.values() for row in cell_rows})
            < 2
        ):
            continue
        for of_cohort in found.values():
            for cell_rows in of_cohort.values():
                rows += [*_weighted(judged, cell_rows), *_summary(judged, cell_rows)]
        rows += _over_cohorts(judged, places, found)
    return pl.DataFrame(rows, schema=SITE_COLUMNS)


def _of_place(judged: Judged, place: Place) -> dict[Cell, list[Row]]:
    """Rows of the sites of one cohort, by cell."""
    column = judged.table["site"]
    found: dict[Cell, list[Row]] = {}
    for cell, folds in place.full.items():
        present = column.gather(np.concatenate([fold.row for fold in folds.values()]))
        names = present.drop_nulls().unique().sort().to_list()
        at_site = [restrict(folds, (column == name).fill_null(False).to_numpy()) for name in names]
        if present.null_count():
            judged.notes.add("rows without a site do not enter the table of sites", place.name(cell))
        found[cell] = _rows(judged, place, cell, dict(zip(names, at_site, strict=True)))
    return found


def _rows(judged: Judged, place: Place, cell: Cell, at_site: dict[str, dict[int, Fold]]) -> list[Row]:
    counts = [count_columns(folds) for folds in at_site.values()]
    sizes = np.array([(c["n_patients"], c["n_positive"], c["n"] - c["n_positive"]) for c in counts]).reshape(-1, 3)
    rows: list[Row] = []
    for (name, folds), count, state in zip(at_site.items(), counts, suppress(sizes), strict=True):
        if state == SUPPRESSED:
            judged.notes.add(
                "site left out, it has fewer than 10 patients, positives or negatives", f"{name}, {place.cohort}"
            )
            continue
        values = auroc_across_seeds(folds, place.draws)
        if not mostly_defined(values, place.draws) or place.draws.error(values) == 0 or not 0 < values[0] < 1:
            judged.notes.add("site left out, its AUROC has no standard error", f"{name}, {place.name(cell)}")
            continue
        interval = interval_of(place.draws, values, folds.values(), "auroc")
        own: Row = {
            "kind": "site",
            "site": name,
            "metric": "auroc",
            "value": float(values[0]),
            **interval.columns(),
            "_error": place.draws.error(values) / float(values[0] * (1 - values[0])),
        }
        shown: Row = dict(count) if state == SHOWN else {}
        rows.append(place_columns(place, cell) | own | shown)
    return rows


def _weighted(judged: Judged, rows: list[Row]) -> list[Row]:
    """The rows with their shares in the summary."""
    if len(rows) < 2:
        return rows
    weights = _summarised(judged, rows).weights
    return [row | {"weight": float(weight)} for row, weight in zip(rows, weights, strict=True)]


def _summary(judged: Judged, rows: list[Row]) -> list[Row]:
    """The row of the summary; none of a single site."""
    if len(rows) < 2:
        return []
    summary = _summarised(judged, rows)
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
    return [{name: rows[0][name] for name in PLACE_COLUMNS} | own]


def _summarised(judged: Judged, rows: list[Row]) -> Summary:
    estimate = logit(np.array([row["value"] for row in rows], dtype=np.float64))
    error = np.array([row["_error"] for row in rows], dtype=np.float64)
    return summarise_sites(estimate, error, level=judged.settings.level)


def _over_cohorts(judged: Judged, places: list[Place], found: dict[str, dict[Cell, list[Row]]]) -> list[Row]:
    """The summary of the sites of several cohorts together, the home cohort left out."""
    away = [place for place in places if not place.inside]
    if len(away) < 2:
        return []
    home = next((place.cohort for place in places if place.inside), None)
    name = EVERYWHERE if home is None else ELSEWHERE.format(home)
    rows: list[Row] = []
    for cell in dict.fromkeys(cell for place in away for cell in found[place.cohort]):
        every = [row for place in away for row in found[place.cohort].get(cell, [])]
        rows += [row | {"cohort": name} for row in _summary(judged, every)]
    return rows
