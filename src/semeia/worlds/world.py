"""Describe a made-up hospital, and how another differs from it.

| structure | what causes the label |
|---|---|
| `common` (W1) | what both modalities share |
| `independent` (W2) | what each modality has alone; neither tells anything of the other |
| `dial` (W3) | both: `lam` of the variance is the shared part's |
| `synergy` (W4) | the product of one cause of each modality: no marginal signal |
| `anticausal` (W5) | nothing: a severity above a threshold is the disease, and everything seen is its effect |
| `risk` (W6) | a severity that shared risk factors raise; `effect` is how much of it reaches the record |
| `workup` (W7) | as `dial`; and the label moves the record, by as much as a site orders tests on suspicion (`kappa`) |
| `selection` (W8) | as `independent`; but only those whose causes add up to enough come to the clinic |
| `curved` (W1c) | shared causes, in a way that no linear score can see |

Made up by us after part C of the public description of arXiv 2509.15470; nothing here is a result about patients.
"""

from dataclasses import dataclass
from typing import Literal

from semeia.errors import InputError
from semeia.ranges import FROM_0, FROM_1, PART, SEED, SHARE, Range, require_ranges

Structure = Literal["common", "independent", "dial", "synergy", "anticausal", "risk", "workup", "selection", "curved"]
APART = ("independent", "synergy", "selection")  # nothing is shared
BLENDED = ("common", "independent", "dial", "workup")


@dataclass(frozen=True)
class WorldSettings:
    """One made-up hospital and its patients.

    Attributes:
        structure: what causes the label; see above.
        latents: "block": each modality has the shared causes and causes of its own; "blend": each of its causes is
            shared in part, with correlation `rho` between the modalities.
        shared: number of shared causes.
        unique: number of a modality's own causes; a blend has `shared + unique` causes a modality.
        rho: correlation of the blend.
        lam: share of the label's variance that shared causes have, in `dial` and `workup`.
        beta: log-odds for one standard deviation of the label's cause.
        prevalence: share of patients with the label; the intercept holds it.
        kappa: by how much the label moves three causes of the record, in `workup`.
        effect: share of the severity in the record, in `risk`.
        flips: share of wrong labels, in `anticausal`.
        selected: share of people who become patients, in `selection`.
        nuisance: number of causes of no interest, of each modality.
        nuisance_scale: their standard deviation; the others have 1.
        noise: standard deviation added to every feature.
        image: number of features of the image.
        record: number of features of the record.
        seed: of what is fixed in this world: weights of the label and of the features.
    """

    structure: Structure = "common"
    latents: Literal["block", "blend"] = "block"
    shared: int = 4
    unique: int = 4
    rho: float = 0.5
    lam: float = 0.5
    beta: float = 3.0
    prevalence: float = 0.3
    kappa: float = 0.5
    effect: float = 0.5
    flips: float = 0.05
    selected: float = 0.3
    nuisance: int = 16
    nuisance_scale: float = 1.0
    noise: float = 0.3
    image: int = 64
    record: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("unique", "image", "record"), FROM_1)
        shares = dict.fromkeys(("rho", "lam", "effect"), SHARE)
        parts = dict.fromkeys(("prevalence", "selected"), PART)
        scales = dict.fromkeys(("beta", "nuisance", "nuisance_scale", "noise"), FROM_0)
        others = {"shared": Range(3), "flips": Range(0, 0.5, below=True), "seed": SEED}
        require_ranges("world", self, counts | shares | parts | scales | others)
        if self.latents == "blend" and self.structure not in BLENDED:
            raise InputError(f"world: a blend can be {', '.join(BLENDED)}, not {self.structure}")
        if self.structure == "anticausal" and not self.flips < self.prevalence < 1 - self.flips:
            raise InputError("world: prevalence must lie between flips and 1 - flips")

    @property
    def width(self) -> int:
        """Causes of one modality, without those of no interest."""
        return self.shared + self.unique


@dataclass(frozen=True)
class Site:
    """How another hospital differs from the world's own; by default not at all.

    Attributes:
        kappa: its work-up coupling; None: the world's.
        prevalence: its share of patients with the label; None: the world's.
        shift: of the record's features: each is scaled by N(1, (.3 shift)^2) and moved by N(0, (.5 shift)^2).
        unmapped: share of the record's features that it does not have.
        recoding: legitimate change: the record's causes along the label's direction are stretched by 1 + this.
        seed: of its shift and of which features it lacks.
    """

    kappa: float | None = None
    prevalence: float | None = None
    shift: float = 0.0
    unmapped: float = 0.0
    recoding: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {"kappa": Range(-10, 10), "prevalence": PART, "shift": FROM_0, "unmapped": Range(0, 1, below=True)}
        require_ranges("site", self, ranges | {"recoding": Range(-1, 10), "seed": SEED})


HOME = Site()
