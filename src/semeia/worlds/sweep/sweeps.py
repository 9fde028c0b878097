"""List what can be swept, one thing at a time around a default, each crossed with numbers of labels."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from semeia.worlds.observe import Missing
from semeia.worlds.sweep.condition import Condition, Reading
from semeia.worlds.sweep.run import Place
from semeia.worlds.visits import Course
from semeia.worlds.world import HOME

Value = float | int | str
Name = Literal[
    "structure", "lam", "rho", "width", "unlabelled", "missing_train", "missing_train_mnar", "missing_test",
    "missing_test_mnar", "labelled_images", "wrong_labels", "shift", "unmapped", "kappa", "prevalence", "nuisance",
    "drift_newest", "drift_all", "drift_across",
]  # fmt: skip


@dataclass(frozen=True)
class Sweep:
    """One thing that is swept.

    Attributes:
        values: of it.
        at: the condition at a value.
    """

    values: tuple[Value, ...]
    at: Callable[[Condition, Value], Condition]


def places_of(sweep: Name, condition: Condition, *, labels: tuple[int, ...]) -> list[Place]:
    """The places of one sweep around a condition, every value with each number of labelled patients."""
    declared = SWEEPS[sweep]
    return [
        Place(sweep, str(value), replace(declared.at(condition, value), labels=count))
        for value in declared.values
        for count in labels
    ]


def _world(field: str) -> Callable[[Condition, Value], Condition]:
    return lambda condition, value: replace(condition, world=replace(condition.world, **{field: value}))


def _own(field: str) -> Callable[[Condition, Value], Condition]:
    return lambda condition, value: replace(condition, **{field: value})


def _missing(field: str, mechanism: Literal["mcar", "mnar"]) -> Callable[[Condition, Value], Condition]:
    return lambda condition, value: replace(condition, **{field: Missing(float(value), mechanism)})


def _site(field: str) -> Callable[[Condition, Value], Condition]:
    return lambda condition, value: replace(condition, sites=((f"{field} {value}", replace(HOME, **{field: value})),))


def _blend(condition: Condition, value: Value) -> Condition:
    return replace(condition, world=replace(condition.world, latents="blend", rho=float(value)))


def _drift(reading: Reading) -> Callable[[Condition, Value], Condition]:
    """How fast causes move between the visits of a patient, and what is read of these."""

    def at(condition: Condition, value: Value) -> Condition:
        course = replace(condition.course or Course(), drift=float(value))
        return replace(condition, course=course, reading=reading)

    return at


def _width(condition: Condition, value: Value) -> Condition:
    return replace(condition, pretraining=replace(condition.pretraining, width=int(value)))


_DRIFTS = (0.0, 1.0, 3.0)
_MISSING = (0.0, 0.3, 0.6, 0.9)
SWEEPS: dict[Name, Sweep] = {
    "structure": Sweep(
        ("common", "independent", "dial", "synergy", "anticausal", "risk", "workup", "selection", "curved"),
        _world("structure"),
    ),
    "lam": Sweep((0.0, 0.25, 0.5, 0.75, 1.0), _world("lam")),
    "rho": Sweep((0.0, 0.25, 0.5, 0.75, 0.9), _blend),
    "width": Sweep((4, 8, 16, 32, 64), _width),
    "unlabelled": Sweep((500, 2000, 8000, 32000), _own("unlabelled")),
    "missing_train": Sweep(_MISSING, _missing("missing_train", "mcar")),
    "missing_train_mnar": Sweep(_MISSING, _missing("missing_train", "mnar")),
    "missing_test": Sweep(_MISSING, _missing("missing_test", "mcar")),
    "missing_test_mnar": Sweep(_MISSING, _missing("missing_test", "mnar")),
    "labelled_images": Sweep((1000, 4000, 16000), _own("labelled_images")),
    "wrong_labels": Sweep((0.0, 0.1, 0.2, 0.3), _own("wrong_labels")),
    "shift": Sweep((0.0, 0.5, 1.0, 2.0), _site("shift")),
    "unmapped": Sweep((0.0, 0.3, 0.6), _site("unmapped")),
    "kappa": Sweep((0.5, 0.25, 0.0, -0.25), _site("kappa")),
    "prevalence": Sweep((0.05, 0.1, 0.3, 0.5), _world("prevalence")),
    "nuisance": Sweep((0.5, 1.0, 2.0, 3.0), _world("nuisance_scale")),
    "drift_newest": Sweep(_DRIFTS, _drift("newest")),
    "drift_all": Sweep(_DRIFTS, _drift("all")),
    "drift_across": Sweep(_DRIFTS, _drift("across")),
}
