"""What studies of pictures share: how networks are trained, and the network that starts from photographs."""

from dataclasses import dataclass, field
from typing import get_args

from semeia.learning.finetune import FinetuneSettings, Mode
from semeia.learning.pretrain import PretrainSettings
from semeia.studies.run.protocol import StudySettings, require_each_once, require_names


@dataclass(frozen=True)
class Training:
    """How networks are trained.

    Attributes:
        pretraining: without labels.
        finetuning: with labels.
        imagenet_finetuning: of the network that starts from ImageNet weights. Its head reads thousands of features, and
            all of them move at once: at the rate of a narrow encoder's head it swings instead of learning.
    """

    pretraining: PretrainSettings = field(default_factory=PretrainSettings)
    finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)
    imagenet_finetuning: FinetuneSettings = field(default_factory=FinetuneSettings)


@dataclass(frozen=True)
class PictureStudySettings(StudySettings):
    """A study of pictures.

    Attributes:
        starts: where encoders start from.
        modes: how they meet the labels.
        training: networks, objectives, optimisers.
    """

    starts: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("frozen", "finetune")
    training: Training = field(default_factory=Training)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_names("mode", self.modes, get_args(Mode))
        require_each_once(self, "starts", "modes")

    @property
    def pretraining(self) -> PretrainSettings:
        """How networks are pretrained."""
        return self.training.pretraining

    @property
    def finetuning(self) -> FinetuneSettings:
        """How they meet the labels."""
        return self.training.finetuning
