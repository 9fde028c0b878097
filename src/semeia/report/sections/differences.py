"""Show the paired differences: from no pretraining, over the covariate, within strata, from the other references."""

from collections.abc import Iterator

from semeia.report.asked import against_scratch, gain_metric, gains, in_order, primary
from semeia.report.content import Figure, Section
from semeia.report.estimates import Estimate, cohorts_of, full_labels, pairs_of
from semeia.report.metrics import GAIN, covariate_title
from semeia.report.names import ALL, Names
from semeia.report.numbers import count, listed
from semeia.report.plots.forest import forests_by_cohort
from semeia.report.run_folder import Run

MOST_ROWS = 8
MOST_STRATA = 3


def differences_section(run: Run) -> Section | None:
    """Show every paired difference that is drawn, and where the others are."""
    drawn = [_others_pretrained(run), gain_figure(run), *_strata(run), reference_figure(run)]
    figures = [figure for figure in drawn if figure is not None]
    lead = (
        "Each line is one model less another on the same patients. Look at the line of zero: an interval that crosses "
        "it shows no difference."
    )
    return (
        Section("differences", "Other comparisons", lead, figures=figures, files=("results.csv",)) if figures else None
    )


def _others_pretrained(run: Run) -> Figure | None:
    """Pretraining against none with all labels, of every arm but the one that the answer shows."""
    names, asked = run.names, against_scratch(run)
    main = primary(asked, names) if asked else None
    shown = in_order([e for e in full_labels(asked) if (e.arm, e.mode) != main], names)
    title = "Pretraining minus no pretraining: the other ways"
    lead = f"Difference in AUROC{names.all_labels}; to the right of zero pretraining is better."
    return _figure("pretraining-differences", title, lead, shown, names, minus=True)


def reference_figure(run: Run) -> Figure | None:
    """Draw the remaining differences, at full labels, under what is subtracted."""
    names, asked = run.names, against_scratch(run)
    rest = [e for e in full_labels(run.find(run.metric, differences=True)) if e not in asked]
    plain = in_order([e for e in rest if _like_for_like(e, names)] or rest, names)
    drawn = sorted(plain, key=lambda e: e.reference)
    first = list(dict.fromkeys((e.arm, e.mode, e.reference) for e in drawn))[:MOST_ROWS]
    shown = [e for e in drawn if (e.arm, e.mode, e.reference) in first]
    title = f"Differences from the {'other ' if asked else ''}references"
    lead = f"Difference in AUROC{names.all_labels}: the arm on each line minus the reference above it."
    return _figure("reference-differences", title, lead, shown, names, minus=True)


def _figure(key: str, title: str, lead: str, rows: list[Estimate], names: Names, *, minus: bool) -> Figure | None:
    if not rows:
        return None
    group = (lambda e: f"Minus {names.reference(e.reference)}") if minus else (lambda e: "")
    return Figure(
        key, title, lead, [*forests_by_cohort(rows, names, group=group, null=0.0, axis="Difference in AUROC")]
    )


def _like_for_like(e: Estimate, names: Names) -> bool:
    """Fine-tuned networks against anything but frozen ones; frozen ones against those only."""
    reference, _, mode = e.reference.partition("/")
    if names.about(e.arm).role not in ("pretrained", "scratch"):
        return False
    frozen = mode == "frozen" or names.about(reference).role == "random"
    return e.mode == "frozen" if frozen else e.mode in ("finetune", "none")


def gain_figure(run: Run) -> Figure | None:
    """Draw what each arm worth a line of its own adds to the covariate."""
    names, every = run.names, gains(run)
    covariate = covariate_title((gain_metric(run) or "").removeprefix(GAIN))
    arms = names.headlines(pairs_of(every))
    lead = f"AUROC of score and {covariate} together minus that of the {covariate} alone{names.all_labels}."
    shown = in_order([e for e in every if (e.arm, e.mode) in arms], names)
    return _figure("gain", f"What is gained over the {covariate}", lead, shown, names, minus=False)


def _strata(run: Run) -> Iterator[Figure]:
    """AUROC at full labels within each restriction of the patients; at most a few are drawn."""
    names = run.names
    strata = list(dict.fromkeys(e.stratum for e in run.mine if e.stratum != ALL))
    for index, stratum in enumerate(strata[:MOST_STRATA]):
        every = full_labels(run.find(run.metric, stratum=stratum))
        if not every:
            continue
        arms = names.headlines(pairs_of(every))
        rows = in_order([e for e in every if (e.arm, e.mode) in arms], names)
        sizes = {cohort: max(e.n for e in rows if e.cohort == cohort) for cohort in cohorts_of(rows)}
        units = listed([f"{count(n)} units {names.place(cohort)}" for cohort, n in sizes.items()])
        lead = f"AUROC{names.all_labels} among these units only: {units}."
        panels = forests_by_cohort(rows, names, axis="AUROC")
        yield Figure(f"stratum{index}", f"Stratum: {names.stratum(stratum)}", lead, [*panels])
