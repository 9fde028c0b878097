"""From names to objectives: the one place that knows them all.

A new objective is one new file, one field in `ObjectiveSettings` and one line in `OBJECTIVES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.objectives.byol import Byol, ByolSettings
from semeia.objectives.image_text import CONVIRT, ImageText, ImageTextSettings
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.mae import MaeSettings, MaskedAutoencoder
from semeia.objectives.moco import MoCo, MoCoSettings
from semeia.objectives.objective import Objective
from semeia.objectives.simclr import SimClr, SimClrSettings
from semeia.objectives.sum import Sum
from semeia.objectives.vicreg import VicReg, VicRegSettings


@dataclass(frozen=True)
class ObjectiveSettings:
    """What is learnt without labels, and the settings of everything that could be.

    Attributes:
        terms: names in `OBJECTIVES`; several are summed over one encoder.
        weights: of the terms in a sum, in their order; empty: all 1.
        jepa, simclr, moco, byol, vicreg, mae, clip, convirt: settings of the objective of that name; read only where
            `terms` names it.
    """

    terms: tuple[str, ...] = ("jepa",)
    weights: tuple[float, ...] = ()
    jepa: LatentPredictionSettings = field(default_factory=LatentPredictionSettings)
    simclr: SimClrSettings = field(default_factory=SimClrSettings)
    moco: MoCoSettings = field(default_factory=MoCoSettings)
    byol: ByolSettings = field(default_factory=ByolSettings)
    vicreg: VicRegSettings = field(default_factory=VicRegSettings)
    mae: MaeSettings = field(default_factory=MaeSettings)
    clip: ImageTextSettings = field(default_factory=ImageTextSettings)
    convirt: ImageTextSettings = CONVIRT

    def __post_init__(self) -> None:
        if set(self.terms) - OBJECTIVES.keys() or not self.terms or len(set(self.terms)) < len(self.terms):
            known = ", ".join(OBJECTIVES)
            raise InputError(f"objective: terms {list(self.terms)} must be different names of {known}")
        if self.weights and (len(self.weights) != len(self.terms) or not min(self.weights) > 0):
            raise InputError(
                f"objective: weights {list(self.weights)} must be one above 0 for each of {list(self.terms)}"
            )


OBJECTIVES: dict[str, Callable[[ObjectiveSettings, PatientEncoder, nn.Module | None], Objective]] = {
    "jepa": lambda settings, encoder, text: LatentPrediction(encoder, settings=settings.jepa),
    "simclr": lambda settings, encoder, text: SimClr(encoder, settings=settings.simclr),
    "moco": lambda settings, encoder, text: MoCo(encoder, settings=settings.moco),
    "byol": lambda settings, encoder, text: Byol(encoder, settings=settings.byol),
    "vicreg": lambda settings, encoder, text: VicReg(encoder, settings=settings.vicreg),
    "mae": lambda settings, encoder, text: MaskedAutoencoder(encoder, settings=settings.mae),
    "clip": lambda settings, encoder, text: ImageText(encoder, text=given(text), settings=settings.clip),
    "convirt": lambda settings, encoder, text: ImageText(encoder, text=given(text), settings=settings.convirt),
}


# Those that a text encoder must be given to.
READ_REPORTS = ("clip", "convirt")
# Those that hold the units of a batch against each other: a batch of one teaches them nothing.
COMPARE_UNITS = ("simclr", "vicreg", *READ_REPORTS)
# Those that hide tokens of an image and predict them from the others.
HIDE_TOKENS = ("jepa", "mae")


def build_objective(
    settings: ObjectiveSettings, encoder: PatientEncoder, *, text: nn.Module | None = None
) -> Objective:
    """The objective that `settings.terms` names, over one encoder. Its heads are drawn from torch's global generator.

    Args:
        settings: see `ObjectiveSettings`.
        encoder: trained in place.
        text: encoder of the reports, `View -> [batch, text.dim]`; needed by objectives that read reports.

    Raises:
        InputError: reports to read and no text encoder.
    """
    weights = settings.weights or (1.0,) * len(settings.terms)
    terms = {name: OBJECTIVES[name](settings, encoder, text) for name in settings.terms}
    if len(terms) == 1 and not settings.weights:
        return terms[settings.terms[0]]
    return Sum(encoder, terms=terms, weights=dict(zip(terms, weights, strict=True)))


def given(text: nn.Module | None) -> nn.Module:
    """The text encoder, which must be there."""
    if text is None:
        raise InputError("objective: clip and convirt compare images with reports, and there is no text encoder")
    return text
