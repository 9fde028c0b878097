"""What a run knows of its results, in words: a run goes in, a sentence comes out, empty where the run does not know."""

from collections.abc import Callable

from semeia.report.answer import answer_of, headline
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels
from semeia.report.examples import read_examples
from semeia.report.figures import palette_of
from semeia.report.limits import limits_of
from semeia.report.names import arm_title, cohort_title, covariate_title, metric_title, place, stratum_title
from semeia.report.numbers import count, estimate, listed
from semeia.report.run_folder import Run


def headline_levels(run: Run, metric: str) -> list[Estimate]:
    """The headline arm's values of a metric with all labels, a row a cohort."""
    pair = headline(run.estimates, palette_of(run.estimates, run.pretrained), outcome=run.outcome)
    if pair is None:
        return []
    rows = full_labels(find(run.estimates, metric=metric, outcome=run.outcome, arm=pair[0], mode=pair[1]))
    return [e for cohort in cohorts_of(rows) for e in rows if e.cohort == cohort]


def headline_metric(run: Run) -> str:
    """The first measure of the results: AUROC where the outcome is yes or no."""
    return next((e.metric for e in run.estimates if e.outcome == run.outcome and not e.reference), "")


def answer(run: Run) -> str:
    """The answer of the page."""
    found = answer_of(run.estimates, palette_of(run.estimates, run.pretrained))
    return found.lead if found else ""


def measures(run: Run) -> str:
    """What was measured."""
    found = [e.metric for e in run.estimates if not e.reference and not e.metric.startswith("auroc_")]
    named = [metric_title(metric) for metric in dict.fromkeys(found)]
    drawn = [said for name, said in DRAWN.items() if name in run.tables]
    compared = "; arms are compared on the same patients" if any(e.reference for e in run.estimates) else ""
    return f"{listed([*named, *drawn])}{compared}." if named else ""


DRAWN = {"calibration_curves": "calibration curves", "decision_curves": "net benefit"}


def uncertainty(run: Run) -> str:
    """How intervals were made."""
    methods = list(dict.fromkeys(e.interval_method for e in run.estimates if e.low is not None))
    holm = " P values are corrected by Holm within their family." if "comparisons" in run.tables else ""
    return f"Intervals: {listed(methods)}.{holm}" if methods else ""


def performance(run: Run) -> str:
    """The headline arm's first measure, everywhere."""
    return _said(run, headline_levels(run, headline_metric(run)))


def inside(run: Run) -> str:
    """The same, inside."""
    return _said(run, [e for e in headline_levels(run, headline_metric(run)) if e.cohort == "internal"])


def outside(run: Run) -> str:
    """The same, everywhere but inside; nothing where there is one cohort only."""
    rows = headline_levels(run, headline_metric(run))
    return _said(run, [e for e in rows if e.cohort != "internal"] if len(rows) > 1 else [])


def operating(run: Run) -> str:
    """Sensitivity and specificity of the headline arm."""
    rows = [e for metric in ("sensitivity", "specificity") for e in headline_levels(run, metric)]
    words = [f"{metric_title(e.metric)} {estimate(e.value, e.low, e.high)} {place(e.cohort)}" for e in rows]
    return f"{'; '.join(words)}." if words else ""


def _said(run: Run, rows: list[Estimate]) -> str:
    if not rows:
        return ""
    parts = [f"{estimate(e.value, e.low, e.high)} {place(e.cohort)} ({count(e.n_patients)} patients)" for e in rows]
    return f"{metric_title(rows[0].metric)} of {arm_title(rows[0].arm, rows[0].mode)}: {listed(parts)}."


def robustness(run: Run) -> str:
    """What was asked again in a part of the patients, with fewer labels, or with other seeds."""
    strata = list(dict.fromkeys(stratum_title(e.stratum) for e in run.estimates if e.stratum != "all"))
    words = [f"repeated among {listed(strata)}"] if strata else []
    fractions = {e.fraction for e in run.estimates}
    words += [f"at {len(fractions)} shares of the labels"] if len(fractions) > 1 else []
    seeds = run.record.get("seeds")
    words += [f"with {len(seeds)} seeds"] if isinstance(seeds, list) and len(seeds) > 1 else []
    return f"The comparison is {listed(words)}." if words else ""


def selection(run: Run) -> str:
    """Which parts of the patients were looked at by themselves."""
    if run.restriction:
        return f"Everything is restricted to {stratum_title(run.restriction)}."
    strata = list(dict.fromkeys(stratum_title(e.stratum) for e in run.estimates if e.stratum != "all"))
    return f"Besides all units: {listed(strata)}." if strata else ""


def subgroups(run: Run) -> str:
    """Across which groups performance was compared."""
    table = run.tables.get("subgroups")
    column = next((name for name in ("variable", "subgroup") if table is not None and name in table.columns), None)
    if table is None or column is None:
        return ""
    names = [covariate_title(str(name)) for name in table[column].unique(maintain_order=True)]
    return f"Performance was compared across {listed(names)}, with a test of interaction."


def clusters(run: Run) -> str:
    """How performance differs between sites."""
    table = run.tables.get("sites")
    if table is None or "site" not in table.columns:
        return ""
    return f"Performance at each of {table['site'].n_unique()} sites, and a random-effects summary over them."


def case_mix(run: Run) -> str:
    """How inside and outside patients differ."""
    if "case_mix" not in run.tables:
        return ""
    names = listed([cohort_title(cohort) for cohort in cohorts_of(run.estimates)])
    return f"The units of {names} are laid side by side, covariates, outcome and scores."


def updating(run: Run) -> str:
    """What recalibration was tried."""
    table = run.tables.get("recalibration")
    if table is None or "method" not in table.columns:
        return ""
    return (
        f"Recalibrated where that is allowed: {listed([str(m) for m in table['method'].unique(maintain_order=True)])}."
    )


def limits(run: Run) -> str:
    """How many limits the page names."""
    return f"{len(limits_of(run.study, run.estimates))} limits are named under Limits."


def failures(run: Run) -> str:
    """Whether single cases are shown."""
    shown = len(read_examples(run.path))
    return f"{shown} cases are shown under Examples." if shown else ""


RESULTS: dict[str, Callable[[Run], str]] = {
    "answer": answer,
    "measures": measures,
    "uncertainty": uncertainty,
    "performance": performance,
    "inside": inside,
    "outside": outside,
    "operating": operating,
    "robustness": robustness,
    "selection": selection,
    "subgroups": subgroups,
    "clusters": clusters,
    "case_mix": case_mix,
    "updating": updating,
    "limits": limits,
    "failures": failures,
}
