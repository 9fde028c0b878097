"""Answer in one sentence whether pretraining helped, in each cohort; else say the levels; show it; say what it means.

The words follow the tests corrected for their number where the run has them, else the intervals; a negative result is
said as plainly as a positive one, and of a handful of patients nothing is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from semeia.report.asked import against_scratch, headline, headline_levels, in_order, not_held_against, primary
from semeia.report.content import Figure, Section
from semeia.report.estimates import Estimate, by_cohort, cohorts_of, full_labels, pairs_of
from semeia.report.metrics import GAIN, covariate_title, lowered_title, positive_words
from semeia.report.names import Names, Pair
from semeia.report.numbers import counted, estimate, interval, listed, number, percent, sentence
from semeia.report.plots.forest import forests_by_cohort
from semeia.report.run_folder import Run
from semeia.report.sections.answer_points import levels_points, points_of

CHANGED = {
    "better": "raised the AUROC",
    "worse": "lowered the AUROC",
    "mixed": "raised the AUROC with some shares of the labels and lowered it with others",
    "unclear": "was not shown to change the AUROC",
}
EXPERIMENT = (
    "This page describes an experiment. It is no medical device, and no score in it should guide the care of a patient."
)
MOST_ARMS = 6


@dataclass(frozen=True)
class Answer:
    """The sentence that says it, the figure that shows it, what it means for use, and what else to weigh."""

    lead: str
    figure: Figure
    use: list[str]
    points: list[str]


def answer_section(run: Run) -> Section | None:
    """Make the first section."""
    answer = answer_of(run)
    return answer and Section("answer", "The answer", lead=answer.lead, own=answer)


def answer_of(run: Run) -> Answer | None:
    """Answer the question of a run; None when there is no AUROC to speak of."""
    names = run.names
    asked = against_scratch(run)
    if not asked:
        return _levels_only(run)
    first = primary(asked, names)
    main = [e for e in asked if (e.arm, e.mode) == first]
    rivals = {e.arm for e in asked if names.about(e.arm).family == names.about(first[0]).family} - {first[0]}
    lead = _lead(names, main, by=names.arm(first[0]) if rivals else "")
    use = [_choice(names, full_labels(main)), *warnings(run, headline_levels(run))]
    return Answer(lead, _main_figure(main, names), use, points_of(run, main, asked, rivals=bool(rivals)))


def status(rows: list[Estimate]) -> str:
    """Say what the rows of one comparison say together: better, worse, mixed or unclear."""
    directions = {e.direction for e in rows} - {"unclear"}
    return "mixed" if len(directions) == 2 else directions.pop() if directions else "unclear"


def _lead(names: Names, main: list[Estimate], *, by: str = "") -> str:
    """What happened in each cohort, said once where it is the same in all; `by` names one of several arms."""
    what = f"Pretraining ({by})" if by else "Pretraining"
    changes = {cohort: _change([e for e in main if e.cohort == cohort]) for cohort in cohorts_of(main)}
    places = [names.place(cohort) for cohort in changes]
    if len(set(changes.values())) == 1:
        return f"{what} {next(iter(changes.values()))}, {listed(places)}{' alike' if len(places) > 1 else ''}."
    kinds = {status([e for e in main if e.cohort == cohort]) for cohort in changes}
    parts = [f"{names.place(cohort)} it {change}" for cohort, change in changes.items()]
    whole = f"; {'and' if len(kinds) == 1 else 'but'} ".join(parts)
    return f"{what} against no pretraining: {whole}."


def _change(rows: list[Estimate]) -> str:
    state = status(rows)
    at = sorted(e.fraction for e in rows if e.direction == state)
    if state not in ("better", "worse") or len(rows) == 1:
        return CHANGED[state]
    if len(at) == len(rows):
        return f"{CHANGED[state]} at every share of the labels"
    rest = sorted(e.fraction for e in rows if e.direction == "unclear")
    some, others = (listed([percent(fraction) for fraction in each]) for each in (at, rest))
    # One of several may stand by chance: the others belong in the same breath.
    return f"{CHANGED[state]} with {some} of the labels and was not shown to change it with {others}"


def _choice(names: Names, rows: list[Estimate]) -> str:
    """What the differences with all labels say to whoever has to choose a start."""
    said = {
        "better": "the pretrained start is the better one",
        "worse": "the start without pretraining is the better one",
        "unclear": "neither start is shown to be the better one",
    }
    parts = []
    for direction, words in said.items():
        here = [e for e in rows if e.direction == direction]
        if not here:
            continue
        open_ = [f"{interval(e.low, e.high, sign=True)} {names.place(e.cohort)}" for e in here if e.low != e.high]
        left = f"; differences from {listed(open_)} are not ruled out" if direction == "unclear" and open_ else ""
        parts.append(f"{listed([names.place(e.cohort) for e in here])} {words}{left}")
    return f"{sentence('; '.join(parts))}{names.all_labels and f' ({names.all_labels.strip()})'}."


def warnings(run: Run, rows: list[Estimate]) -> Iterator[str]:
    """Say what speaks against using one arm, by its levels with all labels."""
    names, sites = run.names, run.sites
    if len(cohorts_of(rows)) < 2 and len(sites) < 2:
        yield "It was tested in one cohort only: how it does elsewhere is unknown."
    chance = [e for e in rows if e.metric in ("auroc", "macro_auroc") and e.low is not None and e.low <= 0.5]
    if chance:
        yield f"Its AUROC is not shown to differ from chance {_places(names, chance)}."
    ideals = {"calibration_slope": 1.0, "calibration_intercept": 0.0}
    off = [
        f"{lowered_title(e.metric)} {estimate(e.value, e.low, e.high)} {names.place(e.cohort)}, ideally "
        f"{ideals[e.metric]:.0f}"
        for e in rows
        if e.low is not None and e.high is not None and e.metric in ideals and not e.low <= ideals[e.metric] <= e.high
    ]
    if off:
        yield f"Its probabilities are off ({'; '.join(off)}): recalibrate before reading them."
    over = [e for e in rows if e.metric.startswith(GAIN) and e.direction != "better"]
    if over:
        covariate = covariate_title(over[0].metric.removeprefix(GAIN))
        yield f"It was not shown to add to the {covariate} {_places(names, over)}."


def _places(names: Names, rows: list[Estimate]) -> str:
    return listed(list(dict.fromkeys(names.place(e.cohort) for e in rows)))


def _main_figure(rows: list[Estimate], names: Names) -> Figure:
    """Draw the comparison of the answer: each share of the labels in each cohort, under one another on one scale."""
    e = rows[0]
    name = (lambda e: percent(e.fraction)) if names.several_fractions else None
    panels = forests_by_cohort(rows, names, name=name, null=0.0, axis="Difference in AUROC")
    title = f"AUROC of {names.arm(e.arm, e.mode)} minus {names.reference(e.reference)}"
    tested = ", p after Holm\u2019s correction; bold: it stands" if any(e.p_holm is not None for e in rows) else ""
    at = "By share of the labels; " if names.several_fractions else ""
    return Figure("main", title, f"{at}95\u00a0% intervals{tested}.", [*panels])


def _levels_only(run: Run) -> Answer | None:
    """Say how well the arms tell the classes apart, without references, where nothing is known of pretraining."""
    names, first = run.names, headline(run)
    levels = full_labels(run.find(run.metric))
    mine = [e for e in by_cohort(levels) if (e.arm, e.mode) == first]
    if first is None or not mine:
        return None
    told, few = [e for e in mine if not e.few], [e for e in mine if e.few]
    what = f"{names.arm(*first)} predicts {names.outcome(run.outcome)}"
    parts = [f"{estimate(e.value, e.low, e.high)} {names.place(e.cohort)}" for e in told]
    pairs = not_held_against(run.estimates, sorted(pairs_of(levels)))
    beside = [pair for pair in pairs if pair != first] if len(pairs) <= MOST_ARMS else []
    others = "".join(f"; {words}" for words in _levels_of(names, levels, beside))
    lead = f"{what} with an AUROC of {listed(parts)}{others}." if told else ""
    scarce = [f"{_fewest(e)} {names.place(e.cohort)}" for e in few]
    lead += f"{' ' if told else ''}{sentence(listed(scarce))}: too few to say how well {what}." if few else ""
    arms = names.headlines(pairs_of(levels), most=MOST_ARMS)
    shown = in_order([e for e in levels if (e.arm, e.mode) in {first, *arms}], names)
    named = sum(pair in {(e.arm, e.mode) for e in shown} for pair in names.pairs) > 1
    panels = forests_by_cohort(shown, names, axis="AUROC")
    title = f"AUROC of {'each model' if named else names.arm(*first)}"
    figure = Figure("main", title, f"95\u00a0% intervals{names.all_labels}; 0.50 is chance.", [*panels])
    whose = f"What follows is of {names.arm(*first)}: the first by its name, not chosen by how it did."
    use = [*([whose] if beside else []), *_in_pairs(names, told, run.metric), *warnings(run, headline_levels(run))]
    return Answer(lead, figure, use, [*levels_points(run, first, mine)])


def _levels_of(names: Names, levels: list[Estimate], pairs: list[Pair]) -> Iterator[str]:
    """Each arm with its levels; nothing of one that too few patients tell of."""
    for pair in pairs:
        mine = [e for e in levels if (e.arm, e.mode) == pair and not e.few]
        at = [f"{estimate(e.value, e.low, e.high)} {names.place(e.cohort)}" for e in mine]
        if at:
            yield f"{names.arm(*pair)} with {listed(at)}"


def _fewest(e: Estimate) -> str:
    """The rarer of the two classes, counted."""
    positive = e.n_positive <= e.n - e.n_positive
    rarer, words = (e.n_positive, "") if positive else (e.n - e.n_positive, "not ")
    patients = e.n_positive_patients if positive else None
    of = "" if patients is None else f" of {counted(patients, 'patient')}"
    return f"{counted(rarer, 'unit')}{of} {'is' if rarer == 1 else 'are'} {words}{positive_words(e.metric)}"


def _in_pairs(names: Names, rows: list[Estimate], metric: str) -> Iterator[str]:
    """What an AUROC is, in pairs of patients."""
    parts = [f"{number(100 * e.value, 0)} of 100 pairs {names.place(e.cohort)}" for e in rows]
    if metric == "auroc" and parts:
        yield f"Of a positive and a negative unit, the score of the positive one is the higher in {listed(parts)}."
