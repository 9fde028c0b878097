"""Settings of the knee study: where encoders start, sizes of networks, how they are trained.

The defaults are the reduced ones, for two cores.
"""

from dataclasses import dataclass, replace
from typing import Literal

from semeia.data.augment import RADIOGRAPH
from semeia.data.crops import CropSettings
from semeia.data.pictures import PictureSettings
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings, imagenet_model
from semeia.errors import InputError
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.supervised import SupervisedSettings
from semeia.studies.pictures.training import PictureStudySettings, Training
from semeia.studies.run.protocol import require_each_once, require_names

GRADES = 5
OSTEOARTHRITIS = 2  # the grade from which a knee counts as osteoarthritic (Kellgren and Lawrence 1957)
KNEE = PictureSettings(fit="cover", levels="picture", colour="gray", bright_middle=True)
# The band around the joint, where everything that is graded lies; wide pictures and square ones both hold it whole.
SMALL = ModelSettings(
    image="patches",
    crop=CropSettings(voxels=(1, 64, 112), patch=(1, 16, 16), picture=KNEE),
    encoder=EncoderSettings(dim=128, depth=4, heads=4),
)
IMAGENET = imagenet_model(CropSettings(voxels=(1, 96, 160), patch=(1, 32, 32), picture=KNEE))
# Of pictures whose label is known: less is cut off and turned.
GENTLE = replace(RADIOGRAPH, zoom=0.15, degrees=7.0)
PRETRAINING = PretrainSettings(
    model=SMALL, optimiser=OptimiserSettings(epochs=8, batch=128, lr=1.5e-3), augmentation=RADIOGRAPH
)
FINETUNING = FinetuneSettings(
    # What a network from scratch needs to learn the grade, by folds of the training side (docs/studies/scaling.md).
    scratch=OptimiserSettings(steps=1200, batch=64),
    pretrained=OptimiserSettings(steps=400, batch=64),
    supervised=SupervisedSettings(cells=(1, 2, 3)),  # above and below the joint; its sides and middle
    augmentation=GENTLE,
)
IMAGENET_FINETUNING = FinetuneSettings(
    pretrained=OptimiserSettings(steps=800, batch=64, lr=1e-4, encoder_lr=5e-4), augmentation=GENTLE
)
Head = Literal["nominal", "ordinal"]


@dataclass(frozen=True)
class Start:
    """Where weights come from.

    Attributes:
        terms: objectives (objectives/build.py) it was pretrained by; none for weights that met no knee.
        corpus: what it was pretrained on (see `corpus_of`).
        passes: epochs for each of the settings' epochs: an objective that encodes a quarter of one view gets more, so
            that all take about the same time; but for `mae_long`, which takes five times as long.
        probed_only: whether it is left out of fine-tuning: what a corpus teaches is asked of the frozen encoder.
    """

    title: str
    terms: tuple[str, ...] = ()
    corpus: Literal["all", "osteoarthritis", "matched"] = "all"
    passes: int = 1
    probed_only: bool = False


STARTS = {
    "random": Start("Random weights"),
    "imagenet": Start("ImageNet weights"),
    "simclr": Start("SimCLR", ("simclr",)),
    "moco": Start("MoCo", ("moco",)),
    "byol": Start("BYOL", ("byol",)),
    "vicreg": Start("VICReg", ("vicreg",)),
    "mae": Start("Masked autoencoder", ("mae",), passes=6),
    "mae_long": Start("Masked autoencoder, trained longer", ("mae",), passes=30),
    "ijepa": Start("Latent prediction, I-JEPA", ("jepa",), passes=3),
    "clip": Start("Image and report, CLIP", ("clip",)),
    "convirt": Start("Image and report, ConVIRT", ("convirt",)),
    "slip": Start("Two views and report, SLIP", ("simclr", "clip")),
    "simclr_oa": Start("SimCLR on osteoarthritis only", ("simclr",), "osteoarthritis", probed_only=True),
    "simclr_matched": Start("SimCLR on as many of any grade", ("simclr",), "matched", probed_only=True),
}


@dataclass(frozen=True)
class KneeTraining(Training):
    """How networks of knees are trained.

    Attributes:
        imagenet: the network of the arm `imagenet`; the others have that of `pretraining`.
    """

    pretraining: PretrainSettings = PRETRAINING
    finetuning: FinetuneSettings = FINETUNING
    imagenet: ModelSettings = IMAGENET
    imagenet_finetuning: FinetuneSettings = IMAGENET_FINETUNING


@dataclass(frozen=True)
class KneeSettings(PictureStudySettings):
    """The study. The defaults are the reduced one, for two cores.

    Attributes:
        starts: where encoders start from, names in `STARTS`.
        heads: of the grade: "nominal", "ordinal" or both.
    """

    starts: tuple[str, ...] = ("random", "simclr", "vicreg", "mae", "ijepa", "simclr_oa", "simclr_matched", "mae_long")
    heads: tuple[Head, ...] = ("nominal",)
    fractions: tuple[float, ...] = (0.05, 0.25, 1.0)
    training: KneeTraining = KneeTraining()

    def __post_init__(self) -> None:
        require_names("start", self.starts, tuple(STARTS))
        if not self.heads or not self.seeds:
            raise InputError("study: name at least one head and one seed")
        super().__post_init__()
        require_each_once(self, "heads")
