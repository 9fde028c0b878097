"""Say what to weigh beside the answer: the other arms, chance, what is added to a covariate, and power."""

from semeia.report.asked import gain_metric, gains
from semeia.report.estimates import MACRO, Estimate, cohorts_of, find, full_labels
from semeia.report.metrics import GAIN, covariate_title, positive_words
from semeia.report.names import ALL, Names, Pair
from semeia.report.numbers import count, estimate, listed, number, percent, sentence
from semeia.report.run_folder import Run

KAPPA = "quadratic_kappa"
MOST_SENTENCES = 4
PLAIN = ("simple", "scratch", "random")  # parts of arms that met no unlabelled data
AGAINST = {"better": "higher than", "worse": "lower than", "unclear": "not shown to differ from"}


def points_of(run: Run, main: list[Estimate], asked: list[Estimate], *, rivals: bool) -> list[str]:
    """Say what to weigh beside the answer on pretraining.

    Args:
        run: what was run.
        main: the comparison of the answer.
        asked: that of every pretrained arm.
        rivals: whether other arms could have been the answer.
    """
    names, estimates, first = run.names, run.estimates, main[0]
    return [
        _compared(names, first, rivals=rivals),
        *_with_all_labels(names, estimates, main),
        *weak_yardstick(names, estimates, first.metric, run.outcome),
        *against_plain(estimates, main, names),
        *other_arms(names, [e for e in asked if (e.arm, e.mode) != (first.arm, first.mode)]),
        *nearness(names, estimates, main, run.outcome),
        *asked_contrasts(names, estimates, run.outcome),
        by_chance(asked),
        *gain_over_covariate(names, estimates, (first.arm, first.mode), run.outcome),
        *detectable(names, estimates, main, run.outcome),
        *of_several_classes(first.metric),
    ]


def levels_points(run: Run, first: Pair, mine: list[Estimate]) -> list[str]:
    """Say what to weigh beside the levels of one arm: how many, against whom, and whether it is chance."""
    names, estimates, outcome = run.names, run.estimates, run.outcome
    every = full_labels(find(estimates, metric=mine[0].metric, outcome=outcome, differences=True))
    differences = [e for e in every if (e.arm, e.mode) == first]
    points = []
    for e in mine:
        words = (
            f"{sentence(names.place(e.cohort))}: {count(e.n)} units of {count(e.n_patients)} patients, "
            f"{count(e.n_positive)} {positive_words(e.metric)}."
        )
        points.append(" ".join([words, *_against(names, [d for d in differences if d.cohort == e.cohort])]))
    if any(e.low is not None and e.low <= 0.5 for e in mine):
        points.append("An interval that reaches 0.50 is no evidence that the scores say anything.")
    return [
        *points,
        *gain_over_covariate(names, estimates, first, outcome),
        *(detectable(names, estimates, differences[:1], outcome) if differences else []),
        *of_several_classes(mine[0].metric),
    ]


def _compared(names: Names, e: Estimate, *, rivals: bool) -> str:
    known = names.description.main == (e.arm, e.mode)
    why = "It was named before any result was known" if known else "It is the first of its kind in the table"
    first = f" {why}; it was not chosen by how it did." if rivals else ""
    return (
        f"{names.arm(e.arm, e.mode)} was compared with {names.reference(e.reference)}, the same network given "
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


def _against(names: Names, differences: list[Estimate]) -> list[str]:
    """One cohort's differences from the references, a sentence for each way they go."""
    sentences = []
    for direction, words in AGAINST.items():
        others = [
            f"{names.reference(e.reference)}, {difference_words(e)}" for e in differences if e.direction == direction
        ]
        if others:
            sentences.append(f"There, the AUROC is {words} that of {'; '.join(others)}.")
    return sentences


def difference_words(e: Estimate) -> str:
    """Say a difference with its interval, three decimals and a sign."""
    return estimate(e.value, e.low, e.high, digits=3, sign=True)


def _by_cohort(names: Names, rows: list[Estimate]) -> str:
    parts = [f"{difference_words(e)} {names.place(e.cohort)}" for c in cohorts_of(rows) for e in rows if e.cohort == c]
    return listed(parts)


def against_plain(estimates: list[Estimate], main: list[Estimate], names: Names) -> list[str]:
    """Hold the arm of the answer against all else that was not pretrained: a weak opponent flatters it."""
    first = main[0]
    mine = [e for e in estimates if (e.arm, e.mode, e.metric, e.stratum) == (first.arm, first.mode, first.metric, ALL)]
    rows = [
        e
        for e in full_labels([e for e in mine if e.outcome == first.outcome])
        if e.reference not in ("", first.reference) and names.about(e.reference.partition("/")[0]).role in PLAIN
    ]
    sentences = []
    for cohort in cohorts_of(rows):
        parts = []
        for direction, words in AGAINST.items():
            here = [e for e in rows if (e.cohort, e.direction) == (cohort, direction)]
            named = [f"{names.reference(e.reference)}, {difference_words(e)}" for e in here]
            parts += [f"{words} that of {'; '.join(named)}"] if named else []
        sentences.append(f"{names.place(cohort)} it is {listed(parts)}")
    what = f"The AUROC of {names.arm(first.arm, first.mode)} against what else was not pretrained{names.all_labels}"
    return [f"{what}: {'; '.join(sentences)}."] if sentences else []


def weak_yardstick(names: Names, estimates: list[Estimate], metric: str, outcome: str) -> list[str]:
    """Warn of networks from scratch that came out below their own untrained features: they did not converge."""
    levels = [e for e in find(estimates, metric=metric, outcome=outcome) if e.stratum == ALL]
    untrained = {
        (names.about(e.arm).family, e.cohort, e.fraction): e
        for e in levels
        if names.about(e.arm).role in ("scratch", "random") and e.mode == "frozen"
    }
    parts = []
    for e in levels:
        below = untrained.get((names.about(e.arm).family, e.cohort, e.fraction))
        if names.about(e.arm).role == "scratch" and e.mode != "frozen" and below and e.value < below.value:
            parts.append(
                f"{names.arm(e.arm, e.mode)}, {percent(e.fraction)} of the labels, {names.place(e.cohort)} "
                f"({number(e.value)} against {number(below.value)})"
            )
    if not parts:
        return []
    return [
        "From scratch is a weak yardstick where the network, once trained, is below a logistic regression on its own "
        f"features before training: {'; '.join(parts)}. A gain over it there says little."
    ]


def other_arms(names: Names, asked: list[Estimate]) -> list[str]:
    """Say how the other pretrained arms did, each in one sentence; those of which the same is said share one."""
    said: dict[tuple[str, str], list[str]] = {}
    for arm, mode in dict.fromkeys((e.arm, e.mode) for e in asked):
        rows = [e for e in asked if (e.arm, e.mode) == (arm, mode)]
        said.setdefault((names.reference(rows[0].reference), _tally(rows)), []).append(names.arm(arm, mode))
    together = sum(len(arms) for arms in said.values()) > MOST_SENTENCES
    sentences = []
    for (reference, tally), arms in said.items():
        for words in ["; ".join(arms)] if together else arms:
            each = "each " if ";" in words else ""
            what = "" if together and sentences else " (each share of the labels in each cohort)"
            sentences.append(f"{words} against {reference}: {each}{tally} comparisons{what}.")
    return sentences


def _tally(rows: list[Estimate]) -> str:
    """How often an arm was better, worse and neither."""
    said = {"better": "better in", "worse": "worse in", "unclear": "not shown to differ in"}
    numbers = {words: sum(e.direction == direction for e in rows) for direction, words in said.items()}
    if len(rows) in numbers.values():
        every = next(words for words, n in numbers.items() if n == len(rows))
        return f"{every} {'any of' if 'not' in every else 'all'} {len(rows)}"
    return f"{listed([f'{words} {n}' for words, n in numbers.items() if n])} of {len(rows)}"


def nearness(names: Names, estimates: list[Estimate], main: list[Estimate], outcome: str) -> list[str]:
    """Repeat the comparison by quadratic-weighted kappa, where classes are grades."""
    rows = _like(estimates, main[0], KAPPA, outcome)
    words = "By quadratic-weighted kappa, which weighs how far off a grade is"
    return [f"{words}: {_by_cohort(names, rows)}."] if rows else []


def _like(estimates: list[Estimate], first: Estimate, metric: str, outcome: str) -> list[Estimate]:
    """The comparison of the answer in another metric, at full labels, a row a cohort."""
    rows = find(estimates, metric=metric, outcome=outcome, arm=first.arm, mode=first.mode, differences=True)
    same = [e for e in full_labels(rows) if e.reference == first.reference]
    return [e for cohort in cohorts_of(same) for e in same if e.cohort == cohort]


def asked_contrasts(names: Names, estimates: list[Estimate], outcome: str) -> list[str]:
    """Say what the further differences that the run asks for came to, with all labels."""
    sentences = []
    for asked in names.description.contrasts:
        for metric in (MACRO, "auroc"):
            rows = find(estimates, metric=metric, outcome=outcome, arm=asked.arm, mode=asked.mode, differences=True)
            rows = [e for e in full_labels(rows) if e.reference.partition("/")[0] == asked.reference]
            if rows:
                sentences.append(f"{asked.title}: AUROC {_by_cohort(names, rows)}.")
    return sentences


def by_chance(asked: list[Estimate]) -> str:
    """Say how many comparisons stand, and how many would if there were nothing to find."""
    clear, n = sum(e.direction != "unclear" for e in asked), len(asked)
    one, start = clear == 1, f"In all {n} comparisons of pretraining with no pretraining, {clear}"
    if all(e.p_holm is not None for e in asked):
        return f"{start} {'difference stands' if one else 'differences stand'} after Holm\u2019s correction."
    return (
        f"{start} {'interval leaves' if one else 'intervals leave'} zero out; were there no difference at all, about "
        f"{number(0.05 * n, 1)} would do so by chance. The intervals are not corrected for their number."
    )


def gain_over_covariate(names: Names, estimates: list[Estimate], pair: Pair, outcome: str) -> list[str]:
    """Say what the arm of the answer adds to the covariate, if the results say so."""
    mine = [e for e in gains(names, estimates, outcome=outcome) if (e.arm, e.mode) == pair]
    rows = [e for cohort in cohorts_of(mine) for e in mine if e.cohort == cohort]
    metric = gain_metric(estimates, outcome=outcome)
    if not rows or metric is None:
        return []
    covariate = covariate_title(metric.removeprefix(GAIN))
    said = {"better": "adds to it", "worse": "takes away from it", "unclear": "was not shown to add to it"}
    parts = [f"{names.place(e.cohort)} the model {said[e.direction]}: {difference_words(e)}" for e in rows]
    return [f"By the AUROC that it adds to the {covariate} alone: {'; '.join(parts)}."]


def detectable(names: Names, estimates: list[Estimate], main: list[Estimate], outcome: str) -> list[str]:
    """Say how large a difference this many patients could have shown, if the results say so."""
    rows = _like(estimates, main[0], f"{main[0].metric}_detectable_difference", outcome)
    if not rows:
        return []
    parts = [f"{number(e.value, 3)} {names.place(e.cohort)}" for e in rows]
    return [
        f"With so many patients a difference in AUROC has to be about {listed(parts)} to be found four times in "
        "five; a smaller one is easily missed, so that finding none does not show that there is none."
    ]


def of_several_classes(metric: str) -> list[str]:
    """Say what "the AUROC" means where there are more than two classes."""
    if metric != MACRO:
        return []
    return ["The outcome has several classes: the AUROC is the mean of those of each class against all others."]
