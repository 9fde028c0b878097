"""Pick the paired differences that answer the question of the run, and draw them with the others.

Where the run says which arms are pretrained, the question is whether that helps: a pretrained arm minus the same
network without pretraining.
"""

from semeia.report.content import Figure, Section
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels, headline_metric, pairs_of
from semeia.report.metrics import GAIN, covariate_title
from semeia.report.names import ALL, Names
from semeia.report.numbers import count, listed, percent
from semeia.report.plots.intervals import interval_figure
from semeia.report.run_folder import Run

MOST_ROWS = 24
MOST_STRATA = 3


def differences_section(run: Run) -> Section | None:
    """Show every paired difference that is drawn: from no pretraining, over the covariate, in strata, from the rest."""
    names = run.names
    estimates = run.estimates
    drawn = [
        pretraining_figure(estimates, names, outcome=run.outcome),
        gain_figure(estimates, names, outcome=run.outcome),
        *stratum_figures(estimates, names, outcome=run.outcome),
        reference_figure(estimates, names, outcome=run.outcome),
    ]
    figures = [figure for figure in drawn if figure is not None]
    return Section("differences", "Differences between arms", figures=figures) if figures else None


def against_scratch(estimates: list[Estimate], names: Names, *, outcome: str) -> list[Estimate]:
    """Return AUROC of each pretrained arm minus that of the same network from scratch, at each label fraction."""
    metric = headline_metric(estimates, outcome=outcome)
    every = find(estimates, metric=metric, outcome=outcome, differences=True)
    rows = [e for e in every if names.is_pretraining(e.arm, e.reference)]
    return [e for e in rows if not _other_mode(e, rows)]


def _other_mode(e: Estimate, rows: list[Estimate]) -> bool:
    """Whether the arm is held, in other rows, against the same network in its own mode: that is the fair one."""
    own = {r.reference for r in rows if (r.arm, r.mode) == (e.arm, e.mode) and r.reference.endswith(f"/{e.mode}")}
    return bool(own) and e.reference not in own


def pretraining_figure(estimates: list[Estimate], names: Names, *, outcome: str) -> Figure | None:
    """Draw the forest plot of pretraining against no pretraining."""
    lead = (
        "Paired difference in AUROC, the same patients in each draw. To the right of the line pretraining is "
        "better; where an interval crosses it, no difference was shown."
    )
    asked = against_scratch(estimates, names, outcome=outcome)
    many = len({(e.arm, e.mode, e.fraction) for e in asked}) > MOST_ROWS
    shown = in_order(asked, names)
    if many:
        shown = sorted(full_labels(shown), key=lambda e: e.reference)
    return interval_figure(
        shown,
        names,
        key="pretraining-differences",
        title="Pretraining minus no pretraining",
        lead=f"{lead} Drawn are those with all labels; the others are among the numbers." if many else lead,
        name=lambda e: names.arm(e.arm, "none") if many else f"{percent(e.fraction)} of the labels",
        group=lambda e: f"Minus {names.reference(e.reference)}" if many else names.arm(e.arm, e.mode),
        null=0.0,
        axis="Difference in AUROC",
        more=[e for e in asked if e not in shown],
    )


def reference_figure(estimates: list[Estimate], names: Names, *, outcome: str) -> Figure | None:
    """Draw the forest plot of the remaining differences, at full labels, under what is subtracted."""
    asked = against_scratch(estimates, names, outcome=outcome)
    metric = headline_metric(estimates, outcome=outcome)
    every = find(estimates, metric=metric, outcome=outcome, differences=True)
    rest = [e for e in full_labels(every) if e not in asked]
    plain = in_order([e for e in rest if _like_for_like(e, names)] or rest, names)
    drawn = sorted(plain, key=lambda e: e.reference)
    first = list(dict.fromkeys((e.arm, e.mode, e.reference) for e in drawn))[:MOST_ROWS]
    shown = [e for e in drawn if (e.arm, e.mode, e.reference) in first]
    return interval_figure(
        shown,
        names,
        key="reference-differences",
        title=f"Differences from the {'other ' if asked else ''}references",
        lead=f"Paired difference in AUROC{names.all_labels}: the arm on each line minus the reference above it.",
        name=lambda e: names.arm(e.arm, e.mode),
        group=lambda e: f"Minus {names.reference(e.reference)}",
        null=0.0,
        axis="Difference in AUROC",
        more=[e for e in rest if e not in shown],
    )


def _like_for_like(e: Estimate, names: Names) -> bool:
    """Fine-tuned networks against anything but frozen ones; frozen ones against those only."""
    reference, _, mode = e.reference.partition("/")
    if names.about(e.arm).role not in ("pretrained", "scratch"):
        return False
    frozen = mode == "frozen" or names.about(reference).role == "random"
    return e.mode == "frozen" if frozen else e.mode in ("finetune", "none")


def gain_metric(estimates: list[Estimate], *, outcome: str) -> str | None:
    """Return the metric of what a model adds to a covariate, if the results hold one."""
    return next((e.metric for e in estimates if e.metric.startswith(GAIN) and e.outcome == outcome), None)


def gain_figure(estimates: list[Estimate], names: Names, *, outcome: str) -> Figure | None:
    """Draw what each arm adds to the covariate."""
    metric = gain_metric(estimates, outcome=outcome)
    if metric is None:
        return None
    covariate = covariate_title(metric.removeprefix(GAIN))
    both = f"AUROC of the score and the {covariate} together"
    lead = f"{both} minus AUROC of the {covariate} alone{names.all_labels}, paired."
    return interval_figure(
        in_order(gains(names, estimates, outcome=outcome), names),
        names,
        key="gain",
        title=f"Gain over {covariate}",
        lead=lead,
        name=lambda e: names.arm(e.arm, e.mode),
        group=lambda e: "",
        null=0.0,
        axis=f"AUROC gained over {covariate}",
    )


def gains(names: Names, estimates: list[Estimate], *, outcome: str) -> list[Estimate]:
    """Pick the gain of each arm at full labels; never that of the covariate itself."""
    metric = gain_metric(estimates, outcome=outcome) or ""
    rows = [e for e in estimates if e.metric == metric and e.outcome == outcome and e.stratum == ALL]
    plain = [e for e in rows if not e.reference] or rows
    return [e for e in full_labels(plain) if names.about(e.arm).column != metric.removeprefix(GAIN)]


def in_order(rows: list[Estimate], names: Names) -> list[Estimate]:
    """Return the rows in the order of the results table."""
    order = names.in_order(pairs_of(rows))
    return sorted(rows, key=lambda e: order.index((e.arm, e.mode)))


def stratum_figures(estimates: list[Estimate], names: Names, *, outcome: str) -> list[Figure]:
    """Draw AUROC at full labels within each restriction of the patients; at most a few are drawn."""
    strata = list(dict.fromkeys(e.stratum for e in estimates if e.stratum != ALL and e.outcome == outcome))
    metric = headline_metric(estimates, outcome=outcome)
    figures = []
    for index, stratum in enumerate(strata[:MOST_STRATA]):
        rows = full_labels(find(estimates, metric=metric, outcome=outcome, stratum=stratum))
        sizes = {cohort: max(e.n for e in rows if e.cohort == cohort) for cohort in cohorts_of(rows)}
        units = listed([f"{count(n)} units {names.place(cohort)}" for cohort, n in sizes.items()])
        figure = interval_figure(
            in_order(rows, names),
            names,
            key=f"stratum{index}",
            title=f"Stratum: {names.stratum(stratum)}",
            lead=f"AUROC{names.all_labels} among these units only: {units}.",
            name=lambda e: names.arm(e.arm, e.mode),
            group=lambda e: "",
            null=None,
            axis="AUROC",
        )
        figures.append(figure)
    return [figure for figure in figures if figure is not None]
