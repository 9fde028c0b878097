"""What can be trained: the one interface between losses and the loop."""

from abc import ABC, abstractmethod

from torch import nn

from semeia.encoders.patient import PatientEncoder
from semeia.objectives.step import Step
from semeia.shapes import Scalar
from semeia.views.patient import Views


class Objective(nn.Module, ABC):
    """Owns its heads, predictor, moving averages; names its terms.

    Attributes:
        encoder: what is trained.
        looks: how many augmentations of an image it compares; with 2, `views.other()` gives the second.
        reads_reports: whether it needs the modality `report` beside those of its encoder.
    """

    encoder: PatientEncoder
    looks: int = 1
    reads_reports: bool = False

    @abstractmethod
    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """Named terms, already weighted; their sum is minimised. All randomness comes from `step`."""

    def after_step(self, step: Step) -> None:
        """Called after each optimiser step: moving averages and the like."""

    def pretrained(self) -> PatientEncoder:
        """The encoder to keep after pretraining."""
        return self.encoder
