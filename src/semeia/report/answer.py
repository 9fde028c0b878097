"""The answer in words: whether pretraining helped, inside and outside, at which label fractions.

The words follow the intervals and nothing else: an interval above zero "raised", one below "lowered", any
other "was not shown to change". A negative result is said as plainly as a positive one.
"""

from dataclasses import dataclass

from semeia.report.answer_points import (
    against_plain,
    by_chance,
    corpora,
    detectable,
    difference_words,
    gain_over_covariate,
    nearness,
    other_arms,
)
from semeia.report.comparisons import against_scratch
from semeia.report.estimates import MACRO, Estimate, cohorts_of, find, full_labels, headline_metric, outcomes_of
from semeia.report.figures import Palette
from semeia.report.names import arm_title, cohort_title, outcome_title, place, positive_words, reference_title
from semeia.report.numbers import count, estimate, interval, listed, number, percent
from semeia.report.run_folder import Run
from semeia.report.sections import Section

CHANGED = {
    "better": "raised the AUROC",
    "worse": "lowered the AUROC",
    "mixed": "raised the AUROC with some shares of the labels and lowered it with others",
    "unclear": "was not shown to change the AUROC",
}


@dataclass(frozen=True)
class Answer:
    """The sentence that says it, the paragraph with the numbers, all differences, and what else to weigh."""

    lead: str
    paragraph: str
    differences: "Differences | None"
    points: list[str]


@dataclass(frozen=True)
class Difference:
    """One difference in words; `clear` when its interval leaves zero out."""

    value: str
    interval: str
    clear: bool


@dataclass(frozen=True)
class Differences:
    """AUROC with minus without pretraining: a row for each fraction, a cell for each cohort."""

    title: str
    cohorts: list[str]
    rows: list[tuple[str, list[Difference | None]]]


def answer_section(run: Run, palette: Palette, *, outcome: str) -> Section | None:
    """The first section: the answer in words with its differences."""
    answer = answer_of(run.estimates, palette)
    return answer and Section("answer", "The answer", lead=answer.lead, points=answer.points, own=answer)


def answer_of(estimates: list[Estimate], palette: Palette) -> Answer | None:
    """The answer of a run; None when there is no AUROC to speak of."""
    outcome = next(iter(outcomes_of(estimates)), "")
    asked = against_scratch(estimates, palette, outcome=outcome)
    if not asked:
        return _levels_only(estimates, outcome)
    first = _primary(asked)
    main = [e for e in asked if (e.arm, e.mode) == first]
    rivals = {e.arm for e in asked if palette.arm(e.arm).family == palette.arm(first[0]).family} - {first[0]}
    paragraph = " ".join([_tested(main, outcome, rivals=len(rivals)), *_with_all_labels(estimates, main, outcome)])
    points = [
        *against_plain(estimates, main, palette),
        *other_arms([e for e in asked if (e.arm, e.mode) != first]),
        *nearness(estimates, main, outcome),
        *corpora(estimates, outcome),
        by_chance(asked),
        *gain_over_covariate(estimates, first, outcome),
        *detectable(estimates, main, outcome),
        *_of_several_classes(main[0].metric),
    ]
    return Answer(_lead(main, by=arm_title(first[0], "none") if rivals else ""), paragraph, _differences(main), points)


def headline(estimates: list[Estimate], palette: Palette, *, outcome: str) -> tuple[str, str] | None:
    """The arm and mode that the answer is about, chosen by what it is, never by how it did."""
    asked = against_scratch(estimates, palette, outcome=outcome)
    levels = full_labels([e for e in estimates if not e.reference and e.outcome == outcome])
    return _primary(asked) if asked else next(((e.arm, e.mode) for e in levels), None)


def status(rows: list[Estimate]) -> str:
    """What the intervals of one comparison say together: better, worse, mixed or unclear."""
    found = {e.direction for e in rows} - {"unclear"}
    return "mixed" if len(found) == 2 else found.pop() if found else "unclear"


def _primary(asked: list[Estimate]) -> tuple[str, str]:
    """The comparison the answer is about, fixed by name: multimodal and fine-tuned before the rest."""
    pairs = list(dict.fromkeys((e.arm, e.mode) for e in asked))
    return min(pairs, key=lambda p: (p[0] != "multimodal_jepa", p[1] != "finetune", pairs.index(p)))


def _lead(main: list[Estimate], *, by: str = "") -> str:
    """What happened in each cohort; said once where it is the same in all of them.

    `by` names the arm where there are several of its kind, so that it does not speak for all of them.
    """
    what = f"Pretraining ({by})" if by else "Pretraining"
    said = {cohort: _change([e for e in main if e.cohort == cohort]) for cohort in cohorts_of(main)}
    places = [place(cohort) for cohort in said]
    changes = list(dict.fromkeys(said.values()))
    if len(changes) == 1:
        return f"{what} {changes[0]}, {listed(places)}{' alike' if len(places) > 1 else ''}."
    kinds = {status([e for e in main if e.cohort == cohort]) for cohort in said}
    parts = [f"{place(cohort)} it {change}" for cohort, change in said.items()]
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
    some, others = (listed([percent(fraction) for fraction in found]) for found in (at, rest))
    # One interval among several may leave zero out by chance: the others belong in the same breath.
    return f"{CHANGED[state]} with {some} of the labels and was not shown to change it with {others}"


def _tested(main: list[Estimate], outcome: str, *, rivals: int) -> str:
    e = main[0]
    first = " It is the first of its kind in the study\u2019s list; it was not chosen by how it did." if rivals else ""
    return (
        "The question was whether pretraining on unlabelled data improves the prediction of "
        f"{outcome_title(outcome)}. {arm_title(e.arm, e.mode)} was compared with {reference_title(e.reference)}, "
        f"the same network given the same labels without pretraining, on the same patients.{first}"
    )


def _with_all_labels(estimates: list[Estimate], main: list[Estimate], outcome: str) -> list[str]:
    """Both levels and their difference at the largest label fraction, a sentence for each cohort."""
    sentences = []
    for e in full_labels(main):
        reference, _, mode = e.reference.partition("/")
        here = find(estimates, metric=e.metric, outcome=outcome, cohort=e.cohort)
        with_it = [level for level in here if (level.arm, level.mode, level.fraction) == (e.arm, e.mode, e.fraction)]
        without = full_labels([level for level in here if level.arm == reference and mode in ("", level.mode)])
        levels = [estimate(found[0].value, found[0].low, found[0].high) for found in (with_it, without) if found]
        said = f"{levels[0]} with and {levels[1]} without, a difference of " if len(levels) == 2 else "different by "
        sentences.append(
            f"{_start(place(e.cohort))}, with {percent(e.fraction)} of the labels, the AUROC was {said}"
            f"{difference_words(e)}, in {count(e.n)} units of {count(e.n_patients)} patients."
        )
    return sentences


def _differences(main: list[Estimate]) -> Differences:
    cohorts = cohorts_of(main)
    at = {(e.fraction, e.cohort): e for e in main}
    rows = []
    for fraction in sorted({e.fraction for e in main}):
        found = [at.get((fraction, cohort)) for cohort in cohorts]
        rows.append((percent(fraction), [None if e is None else _cell(e) for e in found]))
    e = main[0]
    title = f"AUROC of {arm_title(e.arm, e.mode)} minus {reference_title(e.reference)}, with 95\u00a0% intervals"
    return Differences(title, [cohort_title(cohort) for cohort in cohorts], rows)


def _cell(e: Estimate) -> Difference:
    words = interval(e.low, e.high, 3) or "no interval"
    return Difference(number(e.value, 3, sign=True), words, e.direction != "unclear")


def _start(words: str) -> str:
    return words[0].upper() + words[1:]


def _of_several_classes(metric: str) -> list[str]:
    """What "the AUROC" means where there are more than two classes."""
    if metric != MACRO:
        return []
    return ["The outcome has several classes: the AUROC is the mean of those of each class against all others."]


def _levels_only(estimates: list[Estimate], outcome: str) -> Answer | None:
    """A table without pretrained arms: say how well each arm tells the classes apart."""
    metric = headline_metric(estimates, outcome=outcome)
    levels = full_labels(find(estimates, metric=metric, outcome=outcome))
    if not levels:
        return None
    first = (levels[0].arm, levels[0].mode)
    at = {e.cohort: e for e in levels if (e.arm, e.mode) == first}
    mine = [at[cohort] for cohort in cohorts_of(list(at.values()))]
    parts = [f"{estimate(e.value, e.low, e.high)} {place(e.cohort)}" for e in mine]
    lead = f"{arm_title(*first)} predicts {outcome_title(outcome)} with an AUROC of {listed(parts)}."
    every = full_labels(find(estimates, metric=metric, outcome=outcome, differences=True))
    differences = [e for e in every if (e.arm, e.mode) == first]
    sentences = []
    for e in mine:
        sentences.append(
            f"{_start(place(e.cohort))}: {count(e.n)} units of {count(e.n_patients)} patients, "
            f"{count(e.n_positive)} {positive_words(metric)}."
        )
        sentences += _against([other for other in differences if other.cohort == e.cohort])
    if any(e.low is not None and e.low <= 0.5 for e in mine):
        sentences.append("An interval that reaches 0.50 is no evidence that the scores say anything.")
    points = [
        *gain_over_covariate(estimates, first, outcome),
        *(detectable(estimates, differences[:1], outcome) if differences else []),
        *_of_several_classes(metric),
    ]
    return Answer(lead, " ".join(sentences), None, points)


def _against(differences: list[Estimate]) -> list[str]:
    """One cohort's differences from the references, a sentence for each way they go."""
    said = {"better": "higher than", "worse": "lower than", "unclear": "not shown to differ from"}
    sentences = []
    for direction, words in said.items():
        found = [
            f"{reference_title(e.reference)}, {difference_words(e)}" for e in differences if e.direction == direction
        ]
        if found:
            sentences.append(f"There, the AUROC is {words} that of {'; '.join(found)}.")
    return sentences
