"""Which paired differences answer the question of the run, and which figures of intervals are drawn.

The question is whether pretraining helps: a pretrained arm minus the same network without pretraining.
"""

from semeia.report.estimates import ALL, Estimate, arms_of, cohorts_of, find, full_labels, headline_metric
from semeia.report.figures import Figure, Palette
from semeia.report.interval_plot import interval_figure
from semeia.report.names import GAIN, arm_title, covariate_title, reference_title, stratum_title
from semeia.report.numbers import listed, percent
from semeia.report.run_folder import Run
from semeia.report.sections import Section

MOST_ROWS = 24
MOST_STRATA = 3


def differences_section(run: Run, palette: Palette, *, outcome: str) -> Section | None:
    """Every paired difference that is drawn: from no pretraining, over the covariate, in strata, from the rest."""
    estimates = run.estimates
    drawn = [
        pretraining_figure(estimates, palette, outcome=outcome),
        gain_figure(estimates, palette, outcome=outcome),
        *stratum_figures(estimates, palette, outcome=outcome),
        reference_figure(estimates, palette, outcome=outcome),
    ]
    figures = [figure for figure in drawn if figure is not None]
    return Section("differences", "Differences between arms", figures=figures) if figures else None


def against_scratch(estimates: list[Estimate], palette: Palette, *, outcome: str) -> list[Estimate]:
    """AUROC of each pretrained arm minus that of the same network from scratch, at each label fraction."""
    found = []
    metric = headline_metric(estimates, outcome=outcome)
    for e in find(estimates, metric=metric, outcome=outcome, differences=True):
        reference = e.reference.partition("/")[0]
        if palette.arm(e.arm).role != "pretrained" or palette.arm(reference).role != "scratch":
            continue
        if palette.arm(e.arm).family == palette.arm(reference).family:
            found.append(e)
    return [e for e in found if not _other_mode(e, found)]


def _other_mode(e: Estimate, rows: list[Estimate]) -> bool:
    """Whether the arm is held, in other rows, against the same network in its own mode: that is the fair one."""
    own = {r.reference for r in rows if (r.arm, r.mode) == (e.arm, e.mode) and r.reference.endswith(f"/{e.mode}")}
    return bool(own) and e.reference not in own


def pretraining_figure(estimates: list[Estimate], palette: Palette, *, outcome: str) -> Figure | None:
    """The forest plot of pretraining against no pretraining."""
    lead = (
        "Paired difference in AUROC, the same patients in each draw. To the right of the line pretraining is "
        "better; where an interval crosses it, no difference was shown."
    )
    asked = against_scratch(estimates, palette, outcome=outcome)
    many = len({(e.arm, e.mode, e.fraction) for e in asked}) > MOST_ROWS
    shown = in_order(asked, palette)
    if many:
        shown = sorted(full_labels(shown), key=lambda e: e.reference)
    return interval_figure(
        shown,
        palette,
        key="pretraining-differences",
        title="Pretraining minus no pretraining",
        lead=f"{lead} Drawn are those with all labels; the others are among the numbers." if many else lead,
        name=lambda e: arm_title(e.arm, "none") if many else f"{percent(e.fraction)} of the labels",
        group=lambda e: f"Minus {reference_title(e.reference)}" if many else arm_title(e.arm, e.mode),
        null=0.0,
        axis="Difference in AUROC",
        more=[e for e in asked if e not in shown],
    )


def reference_figure(estimates: list[Estimate], palette: Palette, *, outcome: str) -> Figure | None:
    """The forest plot of the remaining differences, at full labels, under what is subtracted."""
    asked = against_scratch(estimates, palette, outcome=outcome)
    metric = headline_metric(estimates, outcome=outcome)
    every = find(estimates, metric=metric, outcome=outcome, differences=True)
    rest = [e for e in full_labels(every) if e not in asked]
    plain = in_order([e for e in rest if _like_for_like(e, palette)] or rest, palette)
    drawn = sorted(plain, key=lambda e: e.reference)
    first = list(dict.fromkeys((e.arm, e.mode, e.reference) for e in drawn))[:MOST_ROWS]
    shown = [e for e in drawn if (e.arm, e.mode, e.reference) in first]
    return interval_figure(
        shown,
        palette,
        key="reference-differences",
        title="Differences from the other references",
        lead="Paired difference in AUROC with all labels: the arm on each line minus the reference above it.",
        name=lambda e: arm_title(e.arm, e.mode),
        group=lambda e: f"Minus {reference_title(e.reference)}",
        null=0.0,
        axis="Difference in AUROC",
        more=[e for e in rest if e not in shown],
    )


def _like_for_like(e: Estimate, palette: Palette) -> bool:
    """Fine-tuned networks against anything but frozen ones; frozen ones against those only."""
    reference, _, mode = e.reference.partition("/")
    if palette.arm(e.arm).role not in ("pretrained", "scratch"):
        return False
    frozen = mode == "frozen" or palette.arm(reference).role == "random"
    return e.mode == "frozen" if frozen else e.mode in ("finetune", "none")


def gain_metric(estimates: list[Estimate], *, outcome: str) -> str | None:
    """The metric of what a model adds to a covariate, if the results hold one."""
    return next((e.metric for e in estimates if e.metric.startswith(GAIN) and e.outcome == outcome), None)


def gain_figure(estimates: list[Estimate], palette: Palette, *, outcome: str) -> Figure | None:
    """What each arm adds to the covariate that carries the label by itself."""
    metric = gain_metric(estimates, outcome=outcome)
    if metric is None:
        return None
    covariate = covariate_title(metric.removeprefix(GAIN))
    lead = (
        f"AUROC of the score and the {covariate} together minus AUROC of the {covariate} alone, with all "
        "labels, paired. This is the figure to judge an arm by."
    )
    return interval_figure(
        in_order(gains(estimates, outcome=outcome), palette),
        palette,
        key="gain",
        title=f"Gain over {covariate}",
        lead=lead,
        name=lambda e: arm_title(e.arm, e.mode),
        group=lambda e: "",
        null=0.0,
        axis=f"AUROC gained over {covariate}",
    )


def gains(estimates: list[Estimate], *, outcome: str) -> list[Estimate]:
    """The gain of each arm at full labels; never that of the covariate itself."""
    metric = gain_metric(estimates, outcome=outcome) or ""
    rows = [e for e in estimates if e.metric == metric and e.outcome == outcome and e.stratum == "all"]
    plain = [e for e in rows if not e.reference] or rows
    return [e for e in full_labels(plain) if not metric.removeprefix(GAIN).startswith(e.arm)]


def in_order(rows: list[Estimate], palette: Palette) -> list[Estimate]:
    """The rows in the order of the results table."""
    order = arms_of(rows, palette.pretrained)
    return sorted(rows, key=lambda e: order.index((e.arm, e.mode)))


def stratum_figures(estimates: list[Estimate], palette: Palette, *, outcome: str) -> list[Figure]:
    """AUROC at full labels within each restriction of the patients; at most a few are drawn."""
    strata = list(dict.fromkeys(e.stratum for e in estimates if e.stratum != ALL and e.outcome == outcome))
    metric = headline_metric(estimates, outcome=outcome)
    figures = []
    for index, stratum in enumerate(strata[:MOST_STRATA]):
        rows = full_labels(find(estimates, metric=metric, outcome=outcome, stratum=stratum))
        units = [str(max(e.n for e in rows if e.cohort == cohort)) for cohort in cohorts_of(rows)]
        figure = interval_figure(
            in_order(rows, palette),
            palette,
            key=f"stratum{index}",
            title=f"Stratum: {stratum_title(stratum)}",
            lead=f"AUROC with all labels among these units only ({listed(units)} by cohort).",
            name=lambda e: arm_title(e.arm, e.mode),
            group=lambda e: "",
            null=None,
            axis="AUROC",
        )
        figures.append(figure)
    return [figure for figure in figures if figure is not None]
