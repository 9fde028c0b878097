"""What to weigh beside the answer: the other pretrained arms, chance, what is added to size, and power."""

from semeia.report.comparisons import gain_metric, gains
from semeia.report.estimates import Estimate, cohorts_of, find, full_labels
from semeia.report.names import GAIN, arm_title, covariate_title, place, reference_title
from semeia.report.numbers import estimate, listed, number


def other_arms(asked: list[Estimate]) -> list[str]:
    """The other pretrained arms, each in one sentence."""
    sentences = []
    for arm, mode in dict.fromkeys((e.arm, e.mode) for e in asked):
        rows = [e for e in asked if (e.arm, e.mode) == (arm, mode)]
        said = {"better": "better in", "worse": "worse in", "unclear": "not shown to differ in"}
        numbers = {words: sum(e.direction == direction for e in rows) for direction, words in said.items()}
        if len(rows) in numbers.values():
            every = next(words for words, n in numbers.items() if n == len(rows))
            found = f"{every} {'any of' if 'not' in every else 'all'} {len(rows)}"
        else:
            found = f"{listed([f'{words} {n}' for words, n in numbers.items() if n])} of {len(rows)}"
        start = f"{arm_title(arm, mode)} against {reference_title(rows[0].reference)}"
        sentences.append(f"{start}: {found} comparisons (each share of the labels in each cohort).")
    return sentences


def by_chance(asked: list[Estimate]) -> str:
    """How many intervals leave zero out, and how many would if there were nothing to find."""
    clear = sum(e.direction != "unclear" for e in asked)
    return (
        f"In all {len(asked)} comparisons of pretraining with no pretraining, {clear} "
        f"{'interval leaves' if clear == 1 else 'intervals leave'} zero out; were there no difference at "
        f"all, about {number(0.05 * len(asked), 1)} would do so by chance. The intervals are not corrected "
        "for their number."
    )


def gain_over_covariate(estimates: list[Estimate], pair: tuple[str, str], outcome: str) -> list[str]:
    """What the arm of the answer adds to the covariate, if the results say so."""
    mine = [e for e in gains(estimates, outcome=outcome) if (e.arm, e.mode) == pair]
    rows = [e for cohort in cohorts_of(mine) for e in mine if e.cohort == cohort]
    metric = gain_metric(estimates, outcome=outcome)
    if not rows or metric is None:
        return []
    covariate = covariate_title(metric.removeprefix(GAIN))
    said = {"better": "adds to it", "worse": "takes away from it", "unclear": "was not shown to add to it"}
    parts = [f"{place(e.cohort)} the model {said[e.direction]}: {difference_words(e)}" for e in rows]
    return [
        f"The {covariate} alone carries much of the label, so a model is judged by the AUROC it adds to the "
        f"{covariate}; {'; '.join(parts)}."
    ]


def detectable(estimates: list[Estimate], main: list[Estimate], outcome: str) -> list[str]:
    """How large a difference this many patients could have shown, if the results say so."""
    first = main[0]
    found = find(
        estimates,
        metric=f"{first.metric}_detectable_difference",
        outcome=outcome,
        arm=first.arm,
        mode=first.mode,
        differences=True,
    )
    rows = [e for e in full_labels(found) if e.reference == first.reference]
    if not rows:
        return []
    parts = [
        f"{number(e.value, 3)} {place(e.cohort)}" for cohort in cohorts_of(rows) for e in rows if e.cohort == cohort
    ]
    return [
        f"With so many patients a difference in AUROC has to be about {listed(parts)} to be found four times "
        "in five; a smaller one is easily missed, so that finding none does not show that there is none."
    ]


def difference_words(e: Estimate) -> str:
    """A difference with its interval, three decimals and a sign."""
    return estimate(e.value, e.low, e.high, digits=3, sign=True)
