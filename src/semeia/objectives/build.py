"""From names to objectives: the one place that knows them all.

A new objective is one new file, one field in `ObjectiveSettings` and one line in `OBJECTIVES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.mae import MaeSettings, MaskedAutoencoder
from semeia.objectives.objective import Objective
from semeia.objectives.simclr import SimClr, SimClrSettings
from semeia.objectives.vicreg import VicReg, VicRegSettings


@dataclass(frozen=True)
class ObjectiveSettings:
    """What is learnt without labels, and the settings of everything that could be.

    Attributes:
        terms: names in `OBJECTIVES`; several are summed over one encoder.
        jepa, simclr, vicreg, mae: settings of the objective of that name; read only where `terms` names it.
    """

    terms: tuple[str, ...] = ("jepa",)
    jepa: LatentPredictionSettings = field(default_factory=LatentPredictionSettings)
    simclr: SimClrSettings = field(default_factory=SimClrSettings)
    vicreg: VicRegSettings = field(default_factory=VicRegSettings)
    mae: MaeSettings = field(default_factory=MaeSettings)


OBJECTIVES: dict[str, Callable[[ObjectiveSettings, PatientEncoder, nn.Module | None], Objective]] = {
    "jepa": lambda settings, encoder, text: LatentPrediction(encoder, settings=settings.jepa),
    "simclr": lambda settings, encoder, text: SimClr(encoder, settings=settings.simclr),
    "vicreg": lambda settings, encoder, text: VicReg(encoder, settings=settings.vicreg),
    "mae": lambda settings, encoder, text: MaskedAutoencoder(encoder, settings=settings.mae),
}


def build_objective(
    settings: ObjectiveSettings, encoder: PatientEncoder, *, text: nn.Module | None = None
) -> Objective:
    """The objective that `settings.terms` names, over one encoder. Its heads are drawn from torch's global generator.

    Args:
        settings: see `ObjectiveSettings`.
        encoder: trained in place.
        text: encoder of the reports, `View -> [batch, text.dim]`; needed by objectives that read reports.

    Raises:
        InputError: no term, one twice, or one that is not known.
    """
    unknown = [name for name in settings.terms if name not in OBJECTIVES]
    if unknown or not settings.terms or len(set(settings.terms)) < len(settings.terms):
        raise InputError(f"objective: terms {list(settings.terms)} must be different names of {', '.join(OBJECTIVES)}")
    if len(settings.terms) > 1:
        raise InputError("objective: a sum of several terms is not there yet")
    return OBJECTIVES[settings.terms[0]](settings, encoder, text)
