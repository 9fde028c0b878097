"""What to weigh beside the answer: the other pretrained arms, chance, what is added to size, and power."""

from semeia.report.comparisons import gain_metric, gains
from semeia.report.estimates import ALL, MACRO, Estimate, cohorts_of, find, full_labels
from semeia.report.figures import Palette
from semeia.report.names import GAIN, arm_title, covariate_title, place, reference_title
from semeia.report.numbers import estimate, listed, number

KAPPA = "quadratic_kappa"
WIDTH = 2 * 1.96  # of a 95 % interval, in standard errors
MOST_SENTENCES = 4
PLAIN = ("simple", "scratch", "random")  # parts of arms that met no unlabelled data
# What the corpus is worth: an arm, the one that is subtracted, and what the difference means.
CORPORA = (
    ("simclr_oa", "simclr_matched", "A corpus of osteoarthritic knees only, less one of as many knees of any grade"),
    ("simclr", "simclr_matched", "A corpus of all knees, less one of as many as are osteoarthritic"),
)


def against_plain(estimates: list[Estimate], main: list[Estimate], palette: Palette) -> list[str]:
    """The arm of the answer against all else that was not pretrained, with all labels: a weak opponent flatters it."""
    first = main[0]
    mine = [e for e in estimates if (e.arm, e.mode, e.metric, e.stratum) == (first.arm, first.mode, first.metric, ALL)]
    rows = [
        e
        for e in full_labels([e for e in mine if e.outcome == first.outcome])
        if e.reference not in ("", first.reference) and palette.arm(e.reference.partition("/")[0]).role in PLAIN
    ]
    said = {"better": "higher than", "worse": "lower than", "unclear": "not shown to differ from"}
    sentences = []
    for cohort in cohorts_of(rows):
        parts = []
        for direction, words in said.items():
            here = [e for e in rows if (e.cohort, e.direction) == (cohort, direction)]
            named = [f"{reference_title(e.reference)}, {difference_words(e)}" for e in here]
            parts += [f"{words} that of {'; '.join(named)}"] if named else []
        sentences.append(f"{place(cohort)} it is {listed(parts)}")
    start = f"The AUROC of {arm_title(first.arm, first.mode)} against what else was not pretrained, with all labels"
    return [f"{start}: {'; '.join(sentences)}."] if sentences else []


def other_arms(asked: list[Estimate]) -> list[str]:
    """The other pretrained arms, each in one sentence."""
    said: dict[tuple[str, str], list[str]] = {}
    for arm, mode in dict.fromkeys((e.arm, e.mode) for e in asked):
        rows = [e for e in asked if (e.arm, e.mode) == (arm, mode)]
        said.setdefault((reference_title(rows[0].reference), _tally(rows)), []).append(arm_title(arm, mode))
    # Many arms: those of which the same is said share a sentence.
    together = sum(len(arms) for arms in said.values()) > MOST_SENTENCES
    parts = [["; ".join(arms)] if together else arms for arms in said.values()]
    what = " (each share of the labels in each cohort)"
    sentences = []
    for (reference, found), arms in zip(said, parts, strict=True):
        for arm in arms:
            said_before = together and sentences
            each = "each " if ";" in arm else ""
            sentences.append(f"{arm} against {reference}: {each}{found} comparisons{'' if said_before else what}.")
    return sentences


def _tally(rows: list[Estimate]) -> str:
    """How often an arm was better, worse and neither."""
    said = {"better": "better in", "worse": "worse in", "unclear": "not shown to differ in"}
    numbers = {words: sum(e.direction == direction for e in rows) for direction, words in said.items()}
    if len(rows) in numbers.values():
        every = next(words for words, n in numbers.items() if n == len(rows))
        return f"{every} {'any of' if 'not' in every else 'all'} {len(rows)}"
    return f"{listed([f'{words} {n}' for words, n in numbers.items() if n])} of {len(rows)}"


def nearness(estimates: list[Estimate], main: list[Estimate], outcome: str) -> list[str]:
    """The same comparison by quadratic-weighted kappa, where classes are grades."""
    rows = _kappas(estimates, main, outcome)
    parts = [f"{difference_words(e)} {place(e.cohort)}" for e in rows]
    return [f"By quadratic-weighted kappa, which weighs how far off a grade is: {listed(parts)}."] if parts else []


def _kappas(estimates: list[Estimate], main: list[Estimate], outcome: str) -> list[Estimate]:
    """The differences in kappa of the comparison of the answer, at full labels, a row a cohort."""
    first = main[0]
    found = find(estimates, metric=KAPPA, outcome=outcome, arm=first.arm, mode=first.mode, differences=True)
    rows = [e for e in full_labels(found) if e.reference == first.reference]
    return [e for cohort in cohorts_of(rows) for e in rows if e.cohort == cohort]


def corpora(estimates: list[Estimate], outcome: str) -> list[str]:
    """What the choice of a corpus changes, frozen and with all labels, if the results say so."""
    found = full_labels(find(estimates, metric=MACRO, outcome=outcome, mode="frozen", differences=True))
    sentences = []
    for arm, reference, words in CORPORA:
        rows = [e for e in found if e.arm == arm and e.reference.partition("/")[0] == reference]
        parts = [f"{difference_words(e)} {place(e.cohort)}" for e in rows]
        if parts:
            sentences.append(f"{words} (SimCLR, frozen): AUROC {listed(parts)}.")
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
        f"in five{_kappa_in_reach(estimates, main, outcome)}; a smaller one is easily missed, so that finding none "
        "does not show that there is none."
    ]


def _kappa_in_reach(estimates: list[Estimate], main: list[Estimate], outcome: str) -> str:
    """The same for kappa, whose standard error is read off the interval of the paired difference."""
    from semeia.evaluation.statistics.power import detectable_difference

    rows = [e for e in _kappas(estimates, main, outcome) if e.low is not None and e.high is not None and e.high > e.low]
    reach = [detectable_difference((e.high - e.low) / WIDTH) for e in rows if e.low is not None and e.high is not None]
    parts = [f"{number(value, 3)} {place(e.cohort)}" for e, value in zip(rows, reach, strict=True)]
    return f", and one in quadratic-weighted kappa about {listed(parts)}" if parts else ""


def difference_words(e: Estimate) -> str:
    """A difference with its interval, three decimals and a sign."""
    return estimate(e.value, e.low, e.high, digits=3, sign=True)
