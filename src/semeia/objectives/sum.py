"""Sum several objectives over one encoder: their weighted terms side by side, each under its objective's name.

SLIP (Mu et al. 2021, 2112.12750) is the sum of SimCLR and CLIP.
"""

from torch import nn

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.objective import Objective
from semeia.objectives.step import Step
from semeia.shapes import Scalar


class Sum(Objective):
    """The objective. Terms are objectives over this very encoder; what each weighs is given by its name."""

    def __init__(self, encoder: PatientEncoder, *, terms: dict[str, Objective], weights: dict[str, float]) -> None:
        super().__init__()
        self.encoder = encoder
        self.weights = weights
        self.terms = nn.ModuleDict(terms)
        self.views = max(term.views for term in terms.values())
        for term in terms.values():
            # Held by the sum; as a plain reference in each term it stays out of that term's state, and is saved once.
            del term.encoder
            object.__setattr__(term, "encoder", encoder)

    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """Every term of every objective times its weight, as `<objective>_<term>`."""
        return {
            f"{name}_{part}": self.weights[name] * value
            for name, term in self._each()
            for part, value in term.loss(batch, step).items()
        }

    def after_step(self, step: Step) -> None:
        """Do that of every objective."""
        for _, term in self._each():
            term.after_step(step)

    def pretrained(self) -> PatientEncoder:
        """Give what the first objective keeps that keeps a moving average; else the encoder."""
        kept = (term.pretrained() for _, term in self._each())
        return next((encoder for encoder in kept if encoder is not self.encoder), self.encoder)

    def common(self) -> dict[str, nn.Linear]:
        """Give the maps of the first objective that has any."""
        return next((maps for _, term in self._each() if (maps := term.common())), {})

    def _each(self) -> list[tuple[str, Objective]]:
        return [(name, term) for name, term in self.terms.items() if isinstance(term, Objective)]
