"""Advise on an archive before anyone trains: what its modalities tell of each other and of the label; what to expect.

What to expect comes from a map that was fitted on made-up worlds (studies/advise_map.py).
"""

from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np

from semeia.archive.atomic import write_json
from semeia.archive.store import open_archive
from semeia.learning.advice.map import NOTABLE, TELLING, Expected, Place, load_map
from semeia.settings_json import to_plain
from semeia.studies.advise_measures import Measured, measure, open_units

TOLD_APART = 0.75  # AUROC from which on sites look different


@dataclass(frozen=True)
class Prospect:
    """What is expected of pretraining, over a network from scratch and over ridge regression.

    Attributes:
        scratch: gain of a fine-tuned network over the same one from scratch.
        frozen: gain of a frozen one with a linear head over the one from scratch.
        ridge: gain of the fine-tuned one over ridge regression.
        more_unlabelled: gain over scratch with twice the units.
        more_labels: gain over scratch with twice the labels.
        outside: numbers that no made-up world has.
        worlds: how many the map was fitted on.
        r: correlation of the gain over scratch, found and expected, in structures of worlds left out.
    """

    scratch: Expected
    frozen: Expected
    ridge: Expected
    more_unlabelled: Expected
    more_labels: Expected
    outside: tuple[str, ...]
    worlds: int
    r: float


def advise(
    archive: Path, *, out: Path | None = None, outcome: str | None = None, modalities: tuple[str, ...] | None = None
) -> str:
    """Measure an archive and say what to expect of pretraining on it; the text for a terminal.

    Args:
        archive: ingested.
        out: file for every number, .json; none by default.
        outcome: what would be predicted, 0 or 1; without it nothing is said of labels and gains.
        modalities: which two are held against each other; by default the two that most units have.
    """
    opened = open_archive(archive)
    data, names = open_units(opened, modalities)
    measured = measure(opened, data, names, outcome=outcome)
    prospect = None if measured.place is None else prospect_of(measured.place)
    if out is not None:
        write_json(out, {"measured": to_plain(measured), "prospect": None if prospect is None else to_plain(prospect)})
    return "\n".join(words(measured, prospect, outcomes=tuple(opened.outcomes())))


def prospect_of(at: Place) -> Prospect:
    """Look up what to expect, here and with more data."""
    chart = load_map()
    numbers_ = at.numbers()
    twice = {name: numbers_ + log(2) * (np.array(list(to_plain(at))) == name) for name in ("paired", "labels")}
    return Prospect(
        scratch=chart.scratch.at(numbers_),
        frozen=chart.frozen.at(numbers_),
        ridge=chart.ridge.at(numbers_),
        more_unlabelled=chart.scratch.at(twice["paired"]),
        more_labels=chart.scratch.at(twice["labels"]),
        outside=tuple(chart.outside(at)),
        worlds=chart.worlds,
        r=chart.scratch.r,
    )


def words(measured: Measured, prospect: Prospect | None, *, outcomes: tuple[str, ...]) -> list[str]:
    """Say it in plain words, the simple model first."""
    names = ", ".join(f"{name} ({count})" for name, count in measured.observed.items())
    lines = [f"{measured.archive}: {measured.units} units of {measured.patients} patients; units with {names}."]
    if measured.simple is None:
        lines.append(
            f"No label is read: name one of {', '.join(outcomes) or '(the archive has no outcome)'} with --outcome."
            if not measured.outcome
            else "Too few labelled patients of either class for any cross-validated number."
        )
    else:
        simple = measured.simple
        lines.append(
            f"Ridge logistic regression on simple features: AUROC {simple.value:.2f} ({simple.low:.2f} to "
            f"{simple.high:.2f}), {measured.labelled} labelled units, {measured.positive} with {measured.outcome}. "
            "Whatever is trained must beat this."
        )
    lines += ["", "Measured, in patients left out:"]
    measures = {**measured.across, **{f"{name} from its visit before": one for name, one in measured.earlier.items()}}
    for name, one in measures.items():
        interval = f"{one.gain.value:+.3f} ({one.gain.low:+.3f} to {one.gain.high:+.3f})"
        lines.append(f"  {name}: R2 {one.paired:.3f}, shuffled {one.shuffled:.3f}, difference {interval}")
    if measured.place is not None and measured.rest is not None:
        at = measured.place
        lines.append(
            f"  {at.directions} shared directions; the label: AUROC {at.aligned:.2f} on them, {measured.rest:.2f} "
            f"on the rest ({at.paired} units with both, {at.labels} of them labelled)"
        )
    if measured.sites is not None:
        lines.append(f"  the largest site is told from the others with AUROC {measured.sites:.2f}")
    if len(lines) == 4:
        lines.append("  nothing: it takes two modalities, or two visits, of the same units")
    return [*lines, "", *expectation(measured, prospect)]


def expectation(measured: Measured, prospect: Prospect | None) -> list[str]:
    """Say what to expect, why, what would change it, and what to try first."""
    if prospect is None or measured.place is None or measured.rest is None:
        why = "one modality only" if not measured.pair else "too few units with both, or too few labels"
        return [
            f"Expected gain of pretraining: not placed ({why}); the map knows two modalities and a label.",
            _first(measured, None),
        ]
    gain, ridge = prospect.scratch, prospect.ridge
    lines = [
        f"Expected gain of pretraining, AUROC (chance of more than {NOTABLE:g}):",
        f"  fine-tuned, over the same network from scratch: {_interval(gain)}",
        f"  frozen with a linear head, over the network from scratch: {_interval(prospect.frozen)}",
        f"  fine-tuned, over ridge regression: {_interval(ridge)}",
        f"Because {_reason(measured.place, measured.rest)}.",
        f"Fine-tuned over scratch it would be {prospect.more_unlabelled.value:+.3f} with twice the unlabelled units, "
        f"{prospect.more_labels.value:+.3f} with twice the labels.",
        _first(measured, prospect),
        f"From {prospect.worlds} made-up worlds, linear measures, small networks: an interval to plan with, no proof. "
        "A label that hangs on products or curves of the causes is not seen.",
    ]
    if prospect.r < TELLING:
        lines.append(
            f"In structures of worlds left out, expected and found gains had r {prospect.r:.2f}: the map hardly tells "
            "archives apart. Read its intervals and what was measured, not the numbers in their middle."
        )
    if prospect.outside:
        lines.append(f"Beyond the map, so trust it less: {', '.join(prospect.outside)}.")
    return lines


def _interval(expected: Expected) -> str:
    return f"{expected.value:+.3f} (80 % interval {expected.low:+.3f} to {expected.high:+.3f}; {expected.chance:.0%})"


def _reason(at: Place, rest: float) -> str:
    """Put the numbers that carry most into words."""
    if not at.directions:
        return "the modalities tell nothing of each other that holds in patients left out"
    where = "in" if at.beyond > 0.02 else "no more in" if at.beyond > -0.02 else "less in"
    return (
        f"the modalities share {at.directions} direction(s), and the label lies {where} these "
        f"(AUROC {at.aligned:.2f}) {'rather ' if where == 'in' else ''}than in the rest ({rest:.2f})"
    )


def _first(measured: Measured, prospect: Prospect | None) -> str:
    """Say what to try first."""
    outcome = measured.outcome or "NAME"
    study = f"semeia study own {measured.archive} --outcome {outcome}"
    sites = (
        " The sites look different: keep one for testing, and see `semeia adapt`."
        if measured.sites is not None and measured.sites >= TOLD_APART
        else ""
    )
    if prospect is not None and prospect.ridge.high < NOTABLE:
        return f"Try first: ridge logistic regression; no network is expected to beat it. To see: {study}.{sites}"
    if prospect is not None and max(prospect.scratch.low, prospect.frozen.low) > 0:
        return f"Try first: pretrain, then probe and fine-tune: {study}.{sites}"
    return f"Try first: ridge logistic regression, then both networks on the same folds: {study}.{sites}"
