"""The ways to start on paired pictures: what the second modality is, and what is learnt from the two without labels.

The second modality of a start is an ordinary augmentation of the first, a pseudo narrow-band picture derived from it,
or a real one that the archive holds.
"""

from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from semeia.archive.store import Archive
from semeia.data.modalities import Picture
from semeia.data.modalities.volume import MASK
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.objectives.build import ObjectiveSettings
from semeia.objectives.mics import TERMS, between_modalities, mics
from semeia.objectives.semi_supervised import Way

By = Literal["", "mae", "simclr", "vicreg", "ijepa", "mics", "jepa", "cjepa"]
Second = Literal["", "main", "augmented", "narrow_band"]
QUEUE = 256
WORDS = {"augmented": "an augmentation", "narrow_band": "pseudo narrow band", "real": "the real second modality"}


@dataclass(frozen=True)
class Start:
    """Where weights come from.

    Attributes:
        by: objective of pretraining; empty: none.
        second: what the other modality is; "main" is the real one where the archive has it, else the pseudo
            narrow-band picture.
        terms: of the synergistic sum, those that are learnt.
        both: whether the network reads both modalities when it meets labels.
        fuses: whether it reads both through fusion blocks, and their features are shifted ("shift") or not ("plain").
        semi: how it learns from unlabelled units meanwhile.
        of: the start whose pretraining it takes; empty: its own.
        passes: epochs for each of the settings' epochs (an objective that encodes a quarter of a picture gets more).
    """

    title: str
    by: By = ""
    second: Second = ""
    terms: tuple[str, ...] = tuple(TERMS)
    both: bool = False
    fuses: Literal["", "shift", "plain"] = ""
    semi: Way | None = None
    of: str = ""
    passes: int = 1


def _terms() -> dict[str, Start]:
    """Each term of the sum alone, and the sum without each."""
    alone = {f"only_{term}": Start(f"{term.capitalize()} alone", "mics", "main", (term,)) for term in TERMS}
    others = {term: tuple(name for name in TERMS if name != term) for term in TERMS}
    return alone | {
        f"no_{term}": Start(f"Synergistic sum without {term}", "mics", "main", kept) for term, kept in others.items()
    }


STARTS = {
    "random": Start("Random weights"),
    "imagenet": Start("ImageNet weights"),
    "pseudo_labels": Start("Pseudo-labels", semi="pseudo_labels"),
    "fixmatch": Start("FixMatch", semi="fixmatch"),
    "mean_teacher": Start("Mean teacher", semi="mean_teacher"),
    "mae": Start("Masked autoencoder, one modality", "mae", passes=3),
    "simclr": Start("SimCLR, one modality", "simclr"),
    "vicreg": Start("VICReg, one modality", "vicreg"),
    "ijepa": Start("Latent prediction, one modality", "ijepa", passes=2),
    "mics": Start("Synergistic sum", "mics", "main"),
    "mics_augmented": Start("Synergistic sum, an augmentation as second modality", "mics", "augmented"),
    "mics_narrow_band": Start("Synergistic sum, pseudo narrow band as second modality", "mics", "narrow_band"),
    **_terms(),
    "jepa": Start("Latent prediction between modalities, with VICReg", "cjepa", "main"),
    "jepa_alone": Start("Latent prediction between modalities", "jepa", "main"),
    "jepa_augmented": Start("Latent prediction of an augmentation, with VICReg", "cjepa", "augmented"),
    "both_random": Start("Random weights, reading both", second="main", both=True),
    "both_mics": Start("Synergistic sum, reading both", "mics", "main", both=True, of="mics"),
    "fused_random": Start("Random weights, fused and shifted", second="main", both=True, fuses="shift"),
    "fused_mics": Start("Synergistic sum, fused and shifted", "mics", "main", both=True, fuses="shift", of="mics"),
    "fused_no_shift": Start("Synergistic sum, fused", "mics", "main", both=True, fuses="plain", of="mics"),
}


@dataclass(frozen=True)
class Pair:
    """The modalities of an archive, as networks may read them.

    Attributes:
        first: name of what every network reads.
        names: of the second modality of each kind: augmented, and where there are any narrow_band and real.
        pictures: how each is read, by name.
    """

    first: str
    names: dict[str, str]
    pictures: dict[str, Picture]

    @property
    def main(self) -> str:
        """Kind of the main second modality; empty where there is none."""
        return next((kind for kind in ("real", "narrow_band") if kind in self.names), "")

    def other(self, start: Start) -> str:
        """Name the second modality of a start; empty where the archive has none of the kind."""
        return self.names.get(self.main if start.second == "main" else start.second, "")

    def allows(self, start: Start) -> bool:
        """Whether a start can be run; a kind that is the main one already is not run twice."""
        return not start.second or (bool(self.other(start)) and start.second != self.main)

    def read_by(self, model: ModelSettings) -> ModelSettings:
        """Let a model read all of them."""
        return replace(model, modalities=dict(self.pictures))


def pair_of(archive: Archive, model: ModelSettings, *, first: str, second: str) -> Pair:
    """Find the modalities of an archive, and how each is read.

    Args:
        first: image type that every network reads; may be empty where there is one only.
        second: the real second modality; empty: there is none.
    """
    images = archive.table("images").filter(pl.col("kind") != MASK, pl.col("spacing").is_null())
    kinds = images["kind"].unique().sort().to_list()
    first = first or (kinds[0] if len(kinds) == 1 else "")
    for option, name in (("first", first), *((("second", second),) if second else ())):
        if name not in kinds:
            raise InputError(f"{archive.path}: name a modality with --{option}; it has {', '.join(kinds) or 'none'}")

    def picture(source: str, derive: str = "") -> Picture:
        crop = replace(model.crop, picture=replace(model.crop.picture, derive=derive))
        return Picture(source=source, crop=crop, network=model.image)  # pyright: ignore[reportArgumentType]

    names = {"augmented": f"{first}_augmented"}
    pictures = {first: picture(first), names["augmented"]: picture(first)}
    if (images.filter(kind=first)["shape"].list.len() == 3).any() and model.crop.picture.colour == "keep":
        names["narrow_band"] = f"{first}_narrow_band"
        pictures[names["narrow_band"]] = picture(first, "narrow_band")
    if second:
        names["real"] = second
        pictures[second] = picture(second)
    return Pair(first, names, pictures)


def objective_of(start: Start, first: str, other: str) -> ObjectiveSettings:
    """Set what a start is pretrained by."""
    if start.by == "mics":
        without = tuple(term for term in TERMS if term not in start.terms)
        return mics((first, other), without=without, queue=QUEUE)
    if start.by in ("jepa", "cjepa"):
        return replace(between_modalities(guarded=start.by == "cjepa"), modality=first, other=other)
    return ObjectiveSettings(terms=("jepa",) if start.by == "ijepa" else (start.by,), modality=first)
