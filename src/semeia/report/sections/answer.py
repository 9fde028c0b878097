"""Answer in words whether pretraining helped, in each cohort and at each share of the labels; else say the levels.

The words follow the tests corrected for their number where the run has them, else the intervals: a difference that
stands "raised" or "lowered", any other "was not shown to change". A negative result is said as plainly as a positive
one.
"""

from dataclasses import dataclass

from semeia.report.content import Section
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels, headline_metric
from semeia.report.metrics import positive_words
from semeia.report.names import Names, Pair
from semeia.report.numbers import count, estimate, interval, listed, number, percent, sentence
from semeia.report.run_folder import Run
from semeia.report.sections.answer_points import (
    against_plain,
    asked_contrasts,
    by_chance,
    detectable,
    difference_words,
    gain_over_covariate,
    nearness,
    of_several_classes,
    other_arms,
    weak_yardstick,
)
from semeia.report.sections.differences import against_scratch

CHANGED = {
    "better": "raised the AUROC",
    "worse": "lowered the AUROC",
    "mixed": "raised the AUROC with some shares of the labels and lowered it with others",
    "unclear": "was not shown to change the AUROC",
}


@dataclass(frozen=True)
class Difference:
    """One difference in words; `clear` when it stands."""

    value: str
    interval: str
    clear: bool


@dataclass(frozen=True)
class Differences:
    """AUROC with minus without pretraining: a row for each fraction, a cell for each cohort; `note` explains bold."""

    title: str
    cohorts: list[str]
    rows: list[tuple[str, list[Difference | None]]]
    note: str


@dataclass(frozen=True)
class Answer:
    """The sentence that says it, the paragraph with the numbers, all differences, and what else to weigh."""

    lead: str
    paragraph: str
    differences: Differences | None
    points: list[str]


def answer_section(run: Run) -> Section | None:
    """Make the first section: the answer in words with its differences."""
    answer = answer_of(run)
    return answer and Section("answer", "The answer", lead=answer.lead, points=answer.points, own=answer)


def answer_of(run: Run) -> Answer | None:
    """Answer the question of a run; None when there is no AUROC to speak of."""
    names, estimates, outcome = run.names, run.estimates, run.outcome
    asked = against_scratch(estimates, names, outcome=outcome)
    if not asked:
        return _levels_only(run)
    first = _primary(asked, names)
    main = [e for e in asked if (e.arm, e.mode) == first]
    family = names.about(first[0]).family
    rivals = {e.arm for e in asked if names.about(e.arm).family == family} - {first[0]}
    points = [
        *weak_yardstick(names, estimates, main[0].metric, outcome),
        *against_plain(estimates, main, names),
        *other_arms(names, [e for e in asked if (e.arm, e.mode) != first]),
        *nearness(names, estimates, main, outcome),
        *asked_contrasts(names, estimates, outcome),
        by_chance(asked),
        *gain_over_covariate(names, estimates, first, outcome),
        *detectable(names, estimates, main, outcome),
        *of_several_classes(main[0].metric),
    ]
    paragraph = [_tested(names, main[0], rivals=bool(rivals)), *_with_all_labels(names, estimates, main)]
    lead = _lead(names, main, by=names.arm(first[0]) if rivals else "")
    return Answer(lead, " ".join(paragraph), _differences(names, main), points)


def headline(run: Run) -> Pair | None:
    """Choose the arm and mode that the answer is about by what it is, never by how it did."""
    asked = against_scratch(run.estimates, run.names, outcome=run.outcome)
    if asked:
        return _primary(asked, run.names)
    levels = full_labels([e for e in run.estimates if not e.reference and e.outcome == run.outcome])
    pairs = [(e.arm, e.mode) for e in levels]
    main = run.names.description.main
    return main if main in pairs else next(iter(pairs), None)  # pyright: ignore[reportReturnType]


def status(rows: list[Estimate]) -> str:
    """Say what the rows of one comparison say together: better, worse, mixed or unclear."""
    directions = {e.direction for e in rows} - {"unclear"}
    return "mixed" if len(directions) == 2 else directions.pop() if directions else "unclear"


def _primary(asked: list[Estimate], names: Names) -> Pair:
    """The comparison that the run was made for; else the first one that is fine-tuned."""
    pairs = list(dict.fromkeys((e.arm, e.mode) for e in asked))
    return min(pairs, key=lambda p: (p != names.description.main, p[1] != "finetune", pairs.index(p)))


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


def _tested(names: Names, e: Estimate, *, rivals: bool) -> str:
    known = names.description.main == (e.arm, e.mode)
    why = "It was named before any result was known" if known else "It is the first of its kind in the table"
    first = f" {why}; it was not chosen by how it did." if rivals else ""
    question = names.description.question
    asked = f"The question was: {question} " if question else ""
    return (
        f"{asked}{names.arm(e.arm, e.mode)} was compared with {names.reference(e.reference)}, the same network given "
        f"the same labels without pretraining, on the same patients.{first}"
    )


def _with_all_labels(names: Names, estimates: list[Estimate], main: list[Estimate]) -> list[str]:
    """Both levels and their difference at the largest label fraction, a sentence for each cohort."""
    sentences = []
    for e in full_labels(main):
        reference, _, mode = e.reference.partition("/")
        here = find(estimates, metric=e.metric, outcome=e.outcome, cohort=e.cohort)
        with_it = [level for level in here if (level.arm, level.mode, level.fraction) == (e.arm, e.mode, e.fraction)]
        without = full_labels([level for level in here if level.arm == reference and mode in ("", level.mode)])
        levels = [estimate(rows[0].value, rows[0].low, rows[0].high) for rows in (with_it, without) if rows]
        said = f"{levels[0]} with and {levels[1]} without, a difference of " if len(levels) == 2 else "different by "
        sentences.append(
            f"{sentence(names.place(e.cohort))}, with {percent(e.fraction)} of the labels, the AUROC was {said}"
            f"{difference_words(e)}, in {count(e.n)} units of {count(e.n_patients)} patients."
        )
    return sentences


def _differences(names: Names, main: list[Estimate]) -> Differences:
    cohorts = cohorts_of(main)
    at = {(e.fraction, e.cohort): e for e in main}
    rows = [
        (percent(fraction), [_cell(at.get((fraction, cohort))) for cohort in cohorts])
        for fraction in sorted({e.fraction for e in main})
    ]
    e = main[0]
    title = f"AUROC of {names.arm(e.arm, e.mode)} minus {names.reference(e.reference)}, with 95\u00a0% intervals"
    corrected = all(e.p_holm is not None for e in main)
    note = "the difference stands after Holm\u2019s correction" if corrected else "the interval leaves zero out"
    return Differences(title, [names.cohort(cohort) for cohort in cohorts], rows, f"In bold: {note}.")


def _cell(e: Estimate | None) -> Difference | None:
    if e is None:
        return None
    words = interval(e.low, e.high, 3) or "no interval"
    return Difference(number(e.value, 3, sign=True), words, e.direction != "unclear")


def _levels_only(run: Run) -> Answer | None:
    """Say how well the first arm tells the classes apart, where nothing is known of pretraining."""
    names, estimates, outcome = run.names, run.estimates, run.outcome
    metric = headline_metric(estimates, outcome=outcome)
    levels = full_labels(find(estimates, metric=metric, outcome=outcome))
    first = headline(run)
    at = {e.cohort: e for e in levels if (e.arm, e.mode) == first}
    if first is None or not at:
        return None
    mine = [at[cohort] for cohort in cohorts_of(list(at.values()))]
    parts = [f"{estimate(e.value, e.low, e.high)} {names.place(e.cohort)}" for e in mine]
    lead = f"{names.arm(*first)} predicts {names.outcome(outcome)} with an AUROC of {listed(parts)}."
    every = full_labels(find(estimates, metric=metric, outcome=outcome, differences=True))
    differences = [e for e in every if (e.arm, e.mode) == first]
    sentences = []
    for e in mine:
        sentences.append(
            f"{sentence(names.place(e.cohort))}: {count(e.n)} units of {count(e.n_patients)} patients, "
            f"{count(e.n_positive)} {positive_words(metric)}."
        )
        sentences += _against(names, [other for other in differences if other.cohort == e.cohort])
    if any(e.low is not None and e.low <= 0.5 for e in mine):
        sentences.append("An interval that reaches 0.50 is no evidence that the scores say anything.")
    points = [
        *gain_over_covariate(names, estimates, first, outcome),
        *(detectable(names, estimates, differences[:1], outcome) if differences else []),
        *of_several_classes(metric),
    ]
    return Answer(lead, " ".join(sentences), None, points)


def _against(names: Names, differences: list[Estimate]) -> list[str]:
    """One cohort's differences from the references, a sentence for each way they go."""
    said = {"better": "higher than", "worse": "lower than", "unclear": "not shown to differ from"}
    sentences = []
    for direction, words in said.items():
        others = [
            f"{names.reference(e.reference)}, {difference_words(e)}" for e in differences if e.direction == direction
        ]
        if others:
            sentences.append(f"There, the AUROC is {words} that of {'; '.join(others)}.")
    return sentences
