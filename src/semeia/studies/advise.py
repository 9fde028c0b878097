"""Advise on an archive before anyone trains: what its views tell of each other and of the label; what to expect.

What to expect comes from a map that was fitted on made-up worlds (studies/advise_map.py).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from semeia.archive.atomic import write_json
from semeia.archive.store import open_archive
from semeia.errors import InputError
from semeia.learning.advice.map import NOTABLE, TELLING, Expected, Map, load_map
from semeia.learning.advice.placing import Place
from semeia.settings_json import to_plain
from semeia.studies.advise_measures import Measured, measure
from semeia.studies.advise_pilot import Pilot, require_labels, run_pilot
from semeia.studies.advise_views import open_views

TOLD_APART = 0.75  # AUROC from which on sites look different
WORDS = {
    "scratch": "fine-tuned after latent prediction, over the same network from scratch",
    "guarded": "the same, with VICReg's terms beside the prediction",
    "frozen": "frozen with a linear head, over the network from scratch",
    "ridge": "fine-tuned, over ridge regression",
}
COUNTS = ("paired", "labels", "rarer")


@dataclass(frozen=True)
class Prospect:
    """What is expected of pretraining, over a network from scratch and over ridge regression.

    Attributes:
        gains: by the names of WORDS.
        changed: gain of "scratch" if something were otherwise, by what that is, in words.
        outside: terms that no made-up world has.
        worlds: how many the map was fitted on.
        r: correlation of the gain over scratch, found and expected, in structures of worlds left out.
    """

    gains: dict[str, Expected]
    changed: dict[str, Expected]
    outside: tuple[str, ...]
    worlds: int
    r: float


@dataclass(frozen=True)
class Advice:
    """What `semeia advise` measured and expects.

    Attributes:
        measured: in the archive.
        prospect: what to expect; None where the archive could not be placed on the map.
        outcomes: of the archive.
        pilot: what a short pilot found, and what is expected with it; None where none was asked for.
    """

    measured: Measured
    prospect: Prospect | None
    outcomes: tuple[str, ...]
    pilot: Pilot | None = None

    def __str__(self) -> str:
        return "\n".join(words(self.measured, self.prospect, outcomes=self.outcomes, pilot=self.pilot))


def advise(
    archive: Path,
    *,
    out: Path | None = None,
    outcome: str | None = None,
    modalities: tuple[str, ...] | None = None,
    pilot: bool = False,
) -> Advice:
    """Measure an archive and say what to expect of pretraining on it, in numbers and (`str`) in words.

    Args:
        archive: ingested.
        out: file for every number, .json; none by default.
        outcome: what would be predicted, 0 or 1, or classes 0, 1, 2, ...; without it nothing is said of gains.
        modalities: which two are held against each other; by default the two that most units have, `events` among
            them where the archive has a record; of a single one its halves.
        pilot: whether small networks are trained briefly on the archive, to sharpen what is expected; the outcome must
            have two classes.
    """
    if pilot and outcome is None:
        raise InputError("a pilot needs labels: name the outcome with --outcome")
    opened = open_archive(archive)
    read = open_views(opened, outcome=outcome, modalities=modalities)
    if pilot:
        require_labels(read)
    measured = measure(read, archive=str(opened.path), outcome=outcome or "")
    prospect = None if measured.place is None else prospect_of(load_map(), measured.place)
    if pilot and prospect is None:
        raise InputError("too few units have both views, or too few of these a label: leave out --pilot")
    run = run_pilot(read, prospect.gains) if pilot and prospect is not None else None
    advice = Advice(measured, prospect, tuple(opened.outcomes()), run)
    if out is not None:
        write_json(out, to_plain(advice))
    return advice


def prospect_of(chart: Map, at: Place) -> Prospect:
    """Look up what to expect, here and with more data."""
    here = at.terms()
    otherwise = {
        "twice the unlabelled units": replace(at, paired=2 * at.paired).terms(),
        "twice the labels": replace(at, labels=2 * at.labels, rarer=2 * at.rarer).terms(),
    }
    if at.alone:
        usual = {name: value for name, value in chart.usual().items() if name not in COUNTS}
        otherwise["a second modality that shares with this one what is usual in the worlds"] = here | usual
    expected = {name: chart.expect(name, [here, *otherwise.values()]) for name in chart.gains}
    return Prospect(
        gains={name: each[0] for name, each in expected.items()},
        changed=dict(zip(otherwise, expected["scratch"][1:], strict=True)),
        outside=tuple(chart.outside(at)),
        worlds=len(chart.worlds),
        r=chart.r("scratch"),
    )


def words(
    measured: Measured, prospect: Prospect | None, *, outcomes: tuple[str, ...], pilot: Pilot | None = None
) -> list[str]:
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
        simple, many = measured.simple, len(measured.classes) > 2
        of = ", ".join(map(str, measured.classes)) if many else f"{measured.classes[1]} with {measured.outcome}"
        lines.append(
            f"Ridge logistic regression on simple features: {'macro ' * many}AUROC {simple.value:.2f} "
            f"({simple.low:.2f} to {simple.high:.2f}), {measured.labelled} labelled units, "
            f"{'of each class ' * many}{of}. Whatever is trained must beat this."
        )
    lines += ["", "Measured, in patients left out:"]
    measures = {**measured.across, **{f"{name} from its visit before": one for name, one in measured.earlier.items()}}
    for name, one in measures.items():
        interval = f"{one.gain.value:+.3f} ({one.gain.low:+.3f} to {one.gain.high:+.3f})"
        lines.append(f"  {name}: R2 {one.paired:.3f}, shuffled {one.shuffled:.3f}, difference {interval}")
    if at := measured.place:
        lines.append(
            f"  {at.directions} shared directions; the label: AUROC {at.aligned:.2f} on them, {at.rest:.2f} on the "
            f"rest, {at.whole:.2f} on all ({at.paired} units with both, {at.labels} of them labelled)"
        )
    if measured.sites is not None:
        lines.append(f"  the largest site is told from the others with AUROC {measured.sites:.2f}")
    if len(lines) == 4:
        lines.append("  nothing: there are too few units")
    return [*lines, "", *expectation(measured, prospect, pilot)]


def expectation(measured: Measured, prospect: Prospect | None, pilot: Pilot | None) -> list[str]:
    """Say what to expect, why, what would change it, and what to try first."""
    if prospect is None or measured.place is None:
        why = "no label is read" if not measured.outcome else "too few units with both views, or too few labels"
        return [f"Expected gain of pretraining: not placed ({why}).", _first(measured, None)]
    changed = ", ".join(f"{one.value:+.3f} with {what}" for what, one in prospect.changed.items())
    lines = [
        f"Expected gain of pretraining, AUROC (chance of more than {NOTABLE:g}):",
        *(f"  {WORDS[name]}: {_interval(one)}" for name, one in prospect.gains.items()),
        f"Because {_reason(measured.place)}.",
        f"Fine-tuned over scratch it would be {changed}.",
        *(_sharpened(prospect, pilot) if pilot else ()),
        _first(measured, replace(prospect, gains=prospect.gains | pilot.combined) if pilot else prospect),
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


def _sharpened(prospect: Prospect, pilot: Pilot) -> list[str]:
    """Say what the map expects, what the pilot found, and both together."""
    lines = [
        f"A pilot of {pilot.steps} steps, in five folds of {pilot.labelled} labelled units, and the map, weighted by "
        "how sure each is:"
    ]
    for name, combined in pilot.combined.items():
        lines.append(f"  {WORDS[name]}:")
        for what, one in {"map": prospect.gains[name], "pilot": pilot.found[name], "both": combined}.items():
            lines.append(f"    {what}: {_interval(one)}")
    return lines


def _interval(expected: Expected) -> str:
    return f"{expected.value:+.3f} (80 % interval {expected.low:+.3f} to {expected.high:+.3f}; {expected.chance:.0%})"


def _reason(at: Place) -> str:
    """Put the numbers that carry most into words."""
    sides = "halves" if at.alone else "modalities"
    if not at.directions:
        return f"the {sides} tell nothing of each other that holds in patients left out"
    beyond = at.aligned - at.rest
    where = "in" if beyond > 0.02 else "no more in" if beyond > -0.02 else "less in"
    few = at.aligned - at.whole
    saved = "these alone tell more than all" if few > 0.01 else "all tell more" if few < -0.01 else "all tell no more"
    return (
        f"the {sides} share {at.directions} direction(s), and the label lies {where} these "
        f"(AUROC {at.aligned:.2f}) {'rather ' if where == 'in' else ''}than in the rest ({at.rest:.2f}); {saved} "
        f"({at.whole:.2f}) with {at.labels} labels"
    )


def _first(measured: Measured, prospect: Prospect | None) -> str:
    """Say what to try first."""
    study = f"semeia study own {measured.archive} --outcome {measured.outcome or 'NAME'}"
    sites = (
        " The sites look different: keep one for testing, and see `semeia adapt`."
        if measured.sites is not None and measured.sites >= TOLD_APART
        else ""
    )
    if prospect is not None and prospect.gains["ridge"].high < NOTABLE:
        return f"Try first: ridge logistic regression; no network is expected to beat it. To see: {study}.{sites}"
    if prospect is not None and max(prospect.gains[name].low for name in ("scratch", "guarded", "frozen")) > 0:
        return f"Try first: pretrain, then probe and fine-tune: {study}.{sites}"
    return f"Try first: ridge logistic regression, then both networks on the same folds: {study}.{sites}"
