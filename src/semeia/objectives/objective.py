"""Define what can be trained: the one interface between losses and the loop."""

from abc import ABC, abstractmethod
from typing import TypeVar

from torch import nn

from semeia.data.batch import Batch
from semeia.encoders.patient import PatientEncoder
from semeia.objectives.step import Step
from semeia.shapes import Scalar


class Objective(nn.Module, ABC):
    """Owns its heads, predictor, moving averages; names its terms.

    Attributes:
        views: how many augmented views it compares; with 2, `batch.second` has the other.
    """

    encoder: PatientEncoder
    views: int = 1

    @abstractmethod
    def loss(self, batch: Batch, step: Step) -> dict[str, Scalar]:
        """Named terms, already weighted; their sum is minimised. All randomness comes from `step`."""

    def after_step(self, step: Step) -> None:
        """Do what follows each optimiser step: moving averages and the like."""

    def pretrained(self) -> PatientEncoder:
        """Give the encoder to keep after pretraining."""
        return self.encoder

    def common(self) -> dict[str, nn.Linear]:
        """Give, by modality, the maps from its vector to a space in which modalities are compared; by default none."""
        return {}


Trained = TypeVar("Trained", bound=Objective)
