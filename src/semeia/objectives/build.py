"""Build objectives from names: the one place that knows them all.

A new objective is one new file, one field in `ObjectiveSettings` and one row of `OBJECTIVES`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.objectives.adversarial import Adversarial, AdversarialSettings
from semeia.objectives.albef import Albef, AlbefSettings
from semeia.objectives.byol import Byol, ByolSettings
from semeia.objectives.latent_prediction import LatentPrediction, LatentPredictionSettings
from semeia.objectives.mae import MaeSettings, MaskedAutoencoder
from semeia.objectives.moco import MoCo, MoCoSettings
from semeia.objectives.objective import Objective
from semeia.objectives.pairs import CONVIRT, Pairs, PairSettings
from semeia.objectives.simclr import SimClr, SimClrSettings
from semeia.objectives.sum import Sum
from semeia.objectives.vicreg import VicReg, VicRegSettings


@dataclass(frozen=True)
class ObjectiveSettings:
    """What is learnt without labels, and the settings of everything that could be.

    Attributes:
        terms: names in `OBJECTIVES`; several are summed over one encoder.
        weights: of the terms in a sum, in their order; empty: all 1.
        modality: whose views or patches are learnt from; empty: the first that the encoder reads.
        other: what `clip`, `convirt`, `albef` and `adversarial` pair it with; empty: the last that the encoder reads.
        jepa, simclr, moco, byol, vicreg, mae, clip, convirt, albef, adversarial: settings of the objective of that
            name; read only where `terms` names it.
    """

    terms: tuple[str, ...] = ("jepa",)
    weights: tuple[float, ...] = ()
    modality: str = ""
    other: str = ""
    jepa: LatentPredictionSettings = field(default_factory=LatentPredictionSettings)
    simclr: SimClrSettings = field(default_factory=SimClrSettings)
    moco: MoCoSettings = field(default_factory=MoCoSettings)
    byol: ByolSettings = field(default_factory=ByolSettings)
    vicreg: VicRegSettings = field(default_factory=VicRegSettings)
    mae: MaeSettings = field(default_factory=MaeSettings)
    clip: PairSettings = field(default_factory=PairSettings)
    convirt: PairSettings = CONVIRT
    albef: AlbefSettings = field(default_factory=AlbefSettings)
    adversarial: AdversarialSettings = field(default_factory=AdversarialSettings)

    def __post_init__(self) -> None:
        unknown = [name for name in self.terms if name not in OBJECTIVES]
        if unknown or not self.terms or len(set(self.terms)) < len(self.terms):
            raise InputError(f"objective: terms {list(self.terms)} must be different names of {', '.join(OBJECTIVES)}")
        if self.weights and (len(self.weights) != len(self.terms) or not min(self.weights) > 0):
            raise InputError(
                f"objective: weights {list(self.weights)} must be one above 0 for each of {list(self.terms)}"
            )

    @property
    def pairs(self) -> bool:
        """Whether any term learns from two modalities."""
        return bool({"clip", "convirt", "albef", "adversarial"} & set(self.terms)) or (
            "mae" in self.terms and self.mae.both
        )


def _pair(settings: ObjectiveSettings, encoder: PatientEncoder) -> tuple[str, str]:
    one, other = _first(settings, encoder), settings.other or encoder.kinds[-1]
    if one == other:
        raise InputError(
            f"objective: {', '.join(settings.terms)} needs two modalities; the encoder reads {', '.join(encoder.kinds)}"
        )
    return one, other


def _first(settings: ObjectiveSettings, encoder: PatientEncoder) -> str:
    return settings.modality or encoder.kinds[0]


OBJECTIVES: dict[str, Callable[[ObjectiveSettings, PatientEncoder], Objective]] = {
    "jepa": lambda s, encoder: LatentPrediction(encoder, settings=s.jepa),
    "simclr": lambda s, encoder: SimClr(encoder, settings=s.simclr, modality=_first(s, encoder)),
    "moco": lambda s, encoder: MoCo(encoder, settings=s.moco, modality=_first(s, encoder)),
    "byol": lambda s, encoder: Byol(encoder, settings=s.byol, modality=_first(s, encoder)),
    "vicreg": lambda s, encoder: VicReg(encoder, settings=s.vicreg, modality=_first(s, encoder)),
    "mae": lambda s, encoder: MaskedAutoencoder(
        encoder, settings=s.mae, modalities=_pair(s, encoder) if s.mae.both else (_first(s, encoder),)
    ),
    "clip": lambda s, encoder: Pairs(encoder, settings=s.clip, pair=_pair(s, encoder)),
    "convirt": lambda s, encoder: Pairs(encoder, settings=s.convirt, pair=_pair(s, encoder)),
    "albef": lambda s, encoder: Albef(encoder, settings=s.albef, pair=_pair(s, encoder)),
    "adversarial": lambda s, encoder: Adversarial(encoder, settings=s.adversarial, pair=_pair(s, encoder)),
}


# Those that hold the units of a batch against each other: a batch of one teaches them nothing.
COMPARE_UNITS = ("simclr", "vicreg", "clip", "convirt", "albef")
# Those that hide tokens of a modality and predict them from the others.
HIDE_TOKENS = ("jepa", "mae")


def build_objective(settings: ObjectiveSettings, encoder: PatientEncoder) -> Objective:
    """Build what `settings.terms` names, over one encoder. Heads are drawn from torch's global generator.

    Args:
        encoder: trained in place.

    Raises:
        InputError: the encoder does not read what a term learns from, or has a fusion, which only labels train.
    """
    if encoder.parts != encoder.kinds:
        raise InputError(
            f'encoder: mixing "{encoder.settings.mixing}" is for fine-tuning, which adds it; pretrain with "apart"'
        )
    terms = {name: OBJECTIVES[name](settings, encoder) for name in settings.terms}
    if len(terms) == 1 and not settings.weights:
        return terms[settings.terms[0]]
    weights = settings.weights or (1.0,) * len(terms)
    return Sum(encoder, terms=terms, weights=dict(zip(terms, weights, strict=True)))
