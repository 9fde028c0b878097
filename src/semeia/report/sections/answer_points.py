"""Say what to weigh beside the answer: the other arms, chance, what is added to a covariate, and power."""

from collections.abc import Iterator

from semeia.report.asked import gains
from semeia.report.estimates import MACRO, Estimate, by_cohort, cohorts_of, full_labels
from semeia.report.metrics import GAIN, covariate_title, positive_words
from semeia.report.names import Names, Pair
from semeia.report.numbers import count, estimate, listed, number, percent, sentence
from semeia.report.run_folder import Run

KAPPA = "quadratic_kappa"
MOST_SENTENCES = 4
PLAIN = ("simple", "scratch", "random")  # parts of arms that met no unlabelled data
AGAINST = {"better": "higher than", "worse": "lower than", "unclear": "not shown to differ from"}


def points_of(run: Run, main: list[Estimate], asked: list[Estimate], *, rivals: bool) -> list[str]:
    """Say what to weigh beside the answer, `main`; `asked` is of every pretrained arm, `rivals`: others could be it."""
    names, first = run.names, main[0]
    return [
        _compared(names, first, rivals=rivals),
        *_with_all_labels(run, main),
        *weak_yardstick(run),
        *against_plain(run, first),
        *other_arms(names, [e for e in asked if (e.arm, e.mode) != (first.arm, first.mode)]),
        *nearness(run, first),
        *asked_contrasts(run),
        by_chance(asked),
        *gain_over_covariate(run, (first.arm, first.mode)),
        *detectable(run, first),
        *of_several_classes(first.metric),
    ]


def levels_points(run: Run, first: Pair, mine: list[Estimate]) -> Iterator[str]:
    """Say what to weigh beside the levels of one arm: how many, against whom, and whether it is chance."""
    names, every = run.names, full_labels(run.find(run.metric, differences=True))
    differences = [e for e in every if (e.arm, e.mode) == first]
    for e in mine:
        words = (
            f"{sentence(names.place(e.cohort))}: {count(e.n)} units of {count(e.n_patients)} patients, "
            f"{count(e.n_positive)} {positive_words(e.metric)}."
        )
        against = _by_direction(names, [d for d in differences if d.cohort == e.cohort])
        yield " ".join([words, *(f"There, the AUROC is {said}." for said in against)])
    if any(e.low is not None and e.low <= 0.5 for e in mine):
        yield "An interval that reaches 0.50 is no evidence that the scores say anything."
    yield from gain_over_covariate(run, first)
    yield from detectable(run, differences[0]) if differences else ()
    yield from of_several_classes(mine[0].metric)


def _compared(names: Names, e: Estimate, *, rivals: bool) -> str:
    known = names.description.main == (e.arm, e.mode)
    why = "It was named before any result was known" if known else "It is the first of its kind in the table"
    first = f" {why}; it was not chosen by how it did." if rivals else ""
    return (
        f"{names.arm(e.arm, e.mode)} was compared with {names.reference(e.reference)}, the same network given "
        f"the same labels without pretraining, on the same patients.{first}"
    )


def _with_all_labels(run: Run, main: list[Estimate]) -> Iterator[str]:
    """Both levels and their difference at the largest label fraction, a sentence for each cohort."""
    names = run.names
    for e in full_labels(main):
        reference, _, mode = e.reference.partition("/")
        here = [level for level in run.find(e.metric) if level.cohort == e.cohort]
        with_it = [level for level in here if (level.arm, level.mode, level.fraction) == (e.arm, e.mode, e.fraction)]
        without = full_labels([level for level in here if level.arm == reference and mode in ("", level.mode)])
        levels = [estimate(rows[0].value, rows[0].low, rows[0].high) for rows in (with_it, without) if rows]
        said = f"{levels[0]} with and {levels[1]} without, a difference of " if len(levels) == 2 else "different by "
        yield (
            f"{sentence(names.place(e.cohort))}, with {percent(e.fraction)} of the labels, the AUROC was {said}"
            f"{difference_words(e)}, in {count(e.n)} units of {count(e.n_patients)} patients."
        )


def _by_direction(names: Names, differences: list[Estimate]) -> list[str]:
    """What an arm is higher than, what it is lower than, and from what it was not shown to differ."""
    found = []
    for direction, words in AGAINST.items():
        here = [e for e in differences if e.direction == direction]
        others = [f"{names.reference(e.reference)}, {difference_words(e)}" for e in here]
        found += [f"{words} that of {'; '.join(others)}"] if others else []
    return found


def difference_words(e: Estimate) -> str:
    """Say a difference with its interval, three decimals and a sign."""
    return estimate(e.value, e.low, e.high, digits=3, sign=True)


def _by_cohort(names: Names, rows: list[Estimate]) -> str:
    return listed([f"{difference_words(e)} {names.place(e.cohort)}" for e in by_cohort(rows)])


def against_plain(run: Run, first: Estimate) -> list[str]:
    """Hold the arm of the answer against all else that was not pretrained: a weak opponent flatters it."""
    names = run.names
    rows = [
        e
        for e in full_labels(run.find(first.metric, arm=first.arm, mode=first.mode, differences=True))
        if e.reference != first.reference and names.about(e.reference.partition("/")[0]).role in PLAIN
    ]
    sentences = [
        f"{names.place(cohort)} it is {listed(_by_direction(names, [e for e in rows if e.cohort == cohort]))}"
        for cohort in cohorts_of(rows)
    ]
    what = f"The AUROC of {names.arm(first.arm, first.mode)} against what else was not pretrained{names.all_labels}"
    return [f"{what}: {'; '.join(sentences)}."] if sentences else []


def weak_yardstick(run: Run) -> Iterator[str]:
    """Warn of networks from scratch that came out below their own untrained features: they did not converge."""
    names, levels = run.names, run.find(run.metric)
    untrained = {
        (names.about(e.arm).family, e.cohort, e.fraction): e
        for e in levels
        if names.about(e.arm).role in ("scratch", "random") and e.mode == "frozen"
    }
    trained = [e for e in levels if names.about(e.arm).role == "scratch" and e.mode != "frozen"]
    held = [(e, untrained.get((names.about(e.arm).family, e.cohort, e.fraction))) for e in trained]
    parts = [
        f"{names.arm(e.arm, e.mode)}, {percent(e.fraction)} of the labels, {names.place(e.cohort)} "
        f"({number(e.value)} against {number(below.value)})"
        for e, below in held
        if below and e.value < below.value
    ]
    if parts:
        yield (
            "From scratch is a weak yardstick where the network, once trained, is below a logistic regression on its "
            f"own features before training: {'; '.join(parts)}. A gain over it there says little."
        )


def other_arms(names: Names, asked: list[Estimate]) -> Iterator[str]:
    """Say how the other pretrained arms did, each in one sentence; those of which the same is said share one."""
    said: dict[tuple[str, str], list[str]] = {}
    for arm, mode in dict.fromkeys((e.arm, e.mode) for e in asked):
        rows = [e for e in asked if (e.arm, e.mode) == (arm, mode)]
        said.setdefault((names.reference(rows[0].reference), _tally(rows)), []).append(names.arm(arm, mode))
    together = sum(len(arms) for arms in said.values()) > MOST_SENTENCES
    for at, ((reference, tally), arms) in enumerate(said.items()):
        what = "" if together and at else " (each share of the labels in each cohort)"
        for words in ["; ".join(arms)] if together else arms:
            each = "each " if ";" in words else ""
            yield f"{words} against {reference}: {each}{tally} comparisons{what}."


def _tally(rows: list[Estimate]) -> str:
    """How often an arm was better, worse and neither."""
    said = {"better": "better in", "worse": "worse in", "unclear": "not shown to differ in"}
    numbers = {words: sum(e.direction == direction for e in rows) for direction, words in said.items()}
    if len(rows) in numbers.values():
        every = next(words for words, n in numbers.items() if n == len(rows))
        return f"{every} {'any of' if 'not' in every else 'all'} {len(rows)}"
    return f"{listed([f'{words} {n}' for words, n in numbers.items() if n])} of {len(rows)}"


def nearness(run: Run, first: Estimate) -> list[str]:
    """Repeat the comparison by quadratic-weighted kappa, where classes are grades."""
    rows = _like(run, first, KAPPA)
    words = "By quadratic-weighted kappa, which weighs how far off a grade is"
    return [f"{words}: {_by_cohort(run.names, rows)}."] if rows else []


def _like(run: Run, first: Estimate, metric: str) -> list[Estimate]:
    """The comparison of the answer in another metric, at full labels, a row a cohort."""
    rows = full_labels(run.find(metric, arm=first.arm, mode=first.mode, differences=True))
    return by_cohort([e for e in rows if e.reference == first.reference])


def asked_contrasts(run: Run) -> Iterator[str]:
    """Say what the further differences that the run asks for came to, with all labels."""
    for asked in run.names.description.contrasts:
        for metric in (MACRO, "auroc"):
            rows = full_labels(run.find(metric, arm=asked.arm, mode=asked.mode, differences=True))
            rows = [e for e in rows if e.reference.partition("/")[0] == asked.reference]
            if rows:
                yield f"{asked.title}: AUROC {_by_cohort(run.names, rows)}."


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


def gain_over_covariate(run: Run, pair: Pair) -> Iterator[str]:
    """Say what the arm of the answer adds to the covariate, if the results say so."""
    names, rows = run.names, by_cohort([e for e in gains(run) if (e.arm, e.mode) == pair])
    said = {"better": "adds to it", "worse": "takes away from it", "unclear": "was not shown to add to it"}
    parts = [f"{names.place(e.cohort)} the model {said[e.direction]}: {difference_words(e)}" for e in rows]
    if rows:
        covariate = covariate_title(rows[0].metric.removeprefix(GAIN))
        yield f"By the AUROC that it adds to the {covariate} alone: {'; '.join(parts)}."


def detectable(run: Run, first: Estimate) -> Iterator[str]:
    """Say how large a difference this many patients could have shown, if the results say so."""
    rows = _like(run, first, f"{first.metric}_detectable_difference")
    parts = [f"{number(e.value, 3)} {run.names.place(e.cohort)}" for e in rows]
    if parts:
        yield (
            f"With so many patients a difference in AUROC has to be about {listed(parts)} to be found four times in "
            "five; a smaller one is easily missed, so that finding none does not show that there is none."
        )


def of_several_classes(metric: str) -> Iterator[str]:
    """Say what "the AUROC" means where there are more than two classes."""
    if metric == MACRO:
        yield "The outcome has several classes: the AUROC is the mean of those of each class against all others."
