"""Describe what the arms, outcomes, cohorts and strata of a run are, for whoever reads its tables.

Whoever ran the models writes it into run.json (`Description.record`); the report says that and nothing else. Of a
stranger's table nothing is known but its names.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import TypeVar

Described = TypeVar("Described", "ArmDescription", "CohortDescription", "Contrast")

# What part an arm plays in a comparison, in the order of the results table.
ROLES = {
    "pretrained": "Pretrained, then given the labels",
    "scratch": "The same networks without pretraining",
    "random": "Random encoder, never trained",
    "model": "Models",
    "simple": "Simple baselines",
    "shortcut": "Shortcuts: what may carry the label without the disease",
    "human": "Human readers",
}


@dataclass(frozen=True)
class ArmDescription:
    """Say what one arm is."""

    title: str = ""  # what people read
    role: str = "model"  # one of ROLES. A pretrained arm less the scratch arm of its family is what pretraining did
    family: str = ""  # arms of one family are the same network on the same input; empty for none
    start: str = ""  # what its parameters began from, in words
    modalities: tuple[str, ...] = ()  # what it reads
    column: str = ""  # the covariate that it is, where it is nothing else (a diameter used as a score)


@dataclass(frozen=True)
class CohortDescription:
    """Say what one cohort is: `title` as a heading, `place` inside a sentence ("at other institutions")."""

    title: str = ""
    place: str = ""


@dataclass(frozen=True)
class Contrast:
    """Name a difference that the study asks for: `arm` less `reference`, both in `mode`, and what it means."""

    arm: str = ""
    reference: str = ""
    mode: str = "none"
    title: str = ""


@dataclass(frozen=True)
class Description:
    """Say what a run is about; what is left out is shown by its name."""

    title: str = ""  # of the study, a few words
    question: str = ""  # what it asks, one sentence with a question mark
    main: tuple[str, ...] = ()  # the arm and mode that the answer is about, chosen before any result was known
    yardsticks: tuple[str, ...] = ()  # arms that stand beside the models in every figure
    # by name; outcomes as they stand inside a sentence
    arms: Mapping[str, ArmDescription] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    cohorts: Mapping[str, CohortDescription] = field(default_factory=dict)
    strata: Mapping[str, str] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = ()  # further differences that the study asks for

    def record(self) -> dict[str, object]:
        """Return the keys that run.json holds of it."""
        return asdict(self)


def read_description(record: Mapping[str, object]) -> Description:
    """Read a description from run.json; what is not there, or is something else than it should be, is left out."""
    contrasts = record.get("contrasts")
    return Description(
        title=_text(record.get("title")),
        question=_text(record.get("question")),
        main=_texts(record.get("main")),
        yardsticks=_texts(record.get("yardsticks")),
        arms={name: _read(ArmDescription, item) for name, item in _named(record.get("arms")).items()},
        outcomes={name: _text(words) for name, words in _named(record.get("outcomes")).items()},
        cohorts={name: _read(CohortDescription, item) for name, item in _named(record.get("cohorts")).items()},
        strata={name: _text(words) for name, words in _named(record.get("strata")).items()},
        contrasts=tuple(_read(Contrast, item) for item in contrasts) if isinstance(contrasts, list | tuple) else (),
    )


def _read(kind: type[Described], item: object) -> Described:
    given = _named(item)
    texts = {f.name: _text(given.get(f.name)) or f.default for f in fields(kind) if f.name != "modalities"}
    if "modalities" in given:
        texts["modalities"] = _texts(given["modalities"])
    if texts.get("role", "model") not in ROLES:
        texts["role"] = "model"
    return kind(**texts)  # pyright: ignore[reportArgumentType]


def _named(value: object) -> dict[str, object]:
    return {str(name): item for name, item in value.items()} if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
