"""Say what a run knows of its results, a sentence each, empty where it does not know."""

from collections.abc import Callable

import polars as pl

from semeia.report.asked import headline, headline_levels
from semeia.report.estimates import Estimate, by_cohort
from semeia.report.metrics import covariate_title, metric_title
from semeia.report.names import ALL
from semeia.report.numbers import count, estimate, interval, listed
from semeia.report.run_folder import Run
from semeia.report.sections.answer import answer_of
from semeia.report.sections.examples import read_examples
from semeia.report.sections.limits import limits_of, power
from semeia.report.sections.pictures import read_pictures
from semeia.report.sections.results import sizes


def _levels(run: Run, metric: str) -> list[Estimate]:
    """Return the headline arm's values of a metric with all labels, a row a cohort."""
    return by_cohort([e for e in headline_levels(run) if e.metric == metric])


def _first_metric(run: Run) -> str:
    """Return the first measure of the results: AUROC where the outcome is yes or no."""
    return next((e.metric for e in run.mine if not e.reference), "")


def _first(run: Run) -> list[Estimate]:
    """Return the headline arm's first measure, everywhere."""
    return _levels(run, _first_metric(run))


def _rows(run: Run, name: str) -> pl.DataFrame:
    """Return the headline arm's rows of a further table."""
    arm, mode = headline(run) or ("", "")
    return run.table(name).filter(arm=arm, mode=mode)


DRAWN = {"calibration_curves": "calibration curves", "decision_curves": "net benefit"}


def measures(run: Run) -> str:
    """Say what was measured."""
    found = [e.metric for e in run.estimates if not e.reference and not e.metric.startswith("auroc_")]
    named = [metric_title(metric) for metric in dict.fromkeys(found)]
    drawn = [said for name, said in DRAWN.items() if name in run.tables]
    compared = "; arms are compared on the same patients" if any(e.reference for e in run.estimates) else ""
    return f"{listed([*named, *drawn])}{compared}." if named else ""


def uncertainty(run: Run) -> str:
    """Say how intervals were made."""
    methods = list(dict.fromkeys(e.interval_method for e in run.estimates if e.low is not None))
    holm = " P values are corrected by Holm within their family." if "comparisons" in run.tables else ""
    return f"Intervals: {listed(methods)}.{holm}" if methods else ""


def _at(run: Run, rows: list[Estimate]) -> list[str]:
    return [f"{estimate(e.value, e.low, e.high)} {run.names.place(e.cohort)}" for e in rows]


def _said(run: Run, rows: list[Estimate]) -> str:
    if not rows:
        return ""
    parts = [f"{at} ({count(e.n_patients)} patients)" for at, e in zip(_at(run, rows), rows, strict=True)]
    return f"{metric_title(rows[0].metric)} of {run.names.arm(rows[0].arm, rows[0].mode)}: {listed(parts)}."


def outside(run: Run) -> str:
    """Say the headline arm's first measure everywhere but inside; nothing where there is one cohort only."""
    rows = _first(run)
    if len(rows) < 2:
        return ""
    gaps = _rows(run, "transport").filter(metric=_first_metric(run), reference="")
    words = [
        f"{run.names.place(row['cohort'])} {estimate(row['gap'], row['low'], row['high'], sign=True)}"
        for row in gaps.iter_rows(named=True)
    ]
    gap = f" Less that of the reference cohort: {listed(words)}." if words else ""
    return _said(run, [e for e in rows if e.cohort != "internal"]) + gap


def operating(run: Run) -> str:
    """Say sensitivity and specificity of the headline arm."""
    metrics = ("sensitivity", "specificity")
    words = [f"{metric_title(metric)} {at}" for metric in metrics for at in _at(run, _levels(run, metric))]
    return f"{'; '.join(words)}." if words else ""


def _strata(run: Run) -> list[str]:
    return list(dict.fromkeys(run.names.stratum(e.stratum) for e in run.estimates if e.stratum != ALL))


def robustness(run: Run) -> str:
    """Say what was asked again in a part of the patients, with fewer labels, or with other seeds."""
    strata, fractions = _strata(run), {e.fraction for e in run.estimates}
    words = [f"repeated among {listed(strata)}"] if strata else []
    words += [f"at {len(fractions)} shares of the labels"] if len(fractions) > 1 else []
    words += ["with several seeds"] if run.names.several_seeds else []
    return f"The comparison is {listed(words)}." if words else ""


def selection(run: Run) -> str:
    """Say which parts of the patients were looked at by themselves."""
    if run.restriction:
        return f"Everything is restricted to {run.names.stratum(run.restriction)}."
    return f"Besides all units: {listed(_strata(run))}." if _strata(run) else ""


def sample_size(run: Run) -> str:
    """Say how many were tested, how small a difference that many can show, and how many a validation needs."""
    tested = "; ".join(sizes(run))
    table = _rows(run, "validation_size").group_by("cohort", maintain_order=True).agg(pl.max("needed"))
    parts = [f"{count(n)} units {run.names.place(cohort)}" for cohort, n in table.iter_rows() if n is not None]
    said = [f"{tested}."] if tested else []
    riley = f"By all criteria of Riley et al. (2021) this model\u2019s validation needs {listed(parts)}."
    return " ".join([*said, *power(run), *([riley] if parts else [])])


def subgroups(run: Run) -> str:
    """Say across which groups performance was compared."""
    table = run.tables.get("subgroups")
    if table is None:
        return ""
    titles = listed([covariate_title(str(name)) for name in table["column"].unique(maintain_order=True)])
    return f"Performance was compared across groups by {titles}, with tests of interaction."


def clusters(run: Run) -> str:
    """Say how performance differs between sites, with the summary over them."""
    table = _rows(run, "sites")
    if table.is_empty():
        return ""
    sites = table.filter(kind="site")["site"].n_unique()
    words = [
        f"Random-effects {metric_title(row['metric'])} over {row['sites']} sites {run.names.place(row['cohort'])}: "
        f"{estimate(row['value'], row['low'], row['high'])}; at a new site "
        f"{interval(row['predict_low'], row['predict_high']) or 'not known'}."
        for row in table.filter(kind="summary", metric=_first_metric(run)).iter_rows(named=True)
    ]
    return " ".join([f"Performance is shown at each of {count(sites)} sites.", *words])


def case_mix(run: Run) -> str:
    """Say which characteristics of the cohorts are laid side by side."""
    table = run.tables.get("case_mix")
    if table is None:
        return ""
    titles = listed([covariate_title(str(name)) for name in table["characteristic"].unique(maintain_order=True)])
    cohorts = listed([run.names.cohort(str(cohort)) for cohort in table["cohort"].unique(maintain_order=True)])
    return f"Laid side by side for {cohorts}: {titles}."


def updating(run: Run) -> str:
    """Say how the headline arm was recalibrated, where that is allowed."""
    methods = [m for m in _rows(run, "recalibration")["method"].unique(maintain_order=True) if m != "none"]
    return f"Recalibrated ({listed(methods)}) on patients other than those judged, and judged again." if methods else ""


def failures(run: Run) -> str:
    """Say whether single cases are shown."""
    pictures = read_pictures(run)
    shown = len(read_examples(run.path)) + (len(pictures[1]) if pictures else 0)
    return f"{shown} cases are shown as pictures." if shown else ""


OF_RESULTS: dict[str, Callable[[Run], str]] = {
    fact.__name__: fact
    for fact in (
        *(measures, uncertainty, outside, operating, robustness, sample_size, selection, subgroups, clusters),
        *(case_mix, updating, failures),
    )
}
OF_RESULTS |= {
    "answer": lambda run: found.lead if (found := answer_of(run)) else "",
    "performance": lambda run: _said(run, _first(run)),
    "inside": lambda run: _said(run, [e for e in _first(run) if e.cohort == "internal"]),
    "limits": lambda run: f"{len(limits_of(run))} limits are named under Limits.",
}
