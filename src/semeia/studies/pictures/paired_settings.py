"""Settings of the study of paired pictures: sizes of networks, how they are trained, what is left to choose.

The defaults are the reduced ones, for two cores.
"""

from dataclasses import dataclass, replace

from semeia.data.augment import RADIOGRAPH
from semeia.data.crops import CropSettings
from semeia.data.pictures import PictureSettings
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.loop import LoopSettings
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.heads.fused import FusionSettings
from semeia.objectives.supervised import SupervisedSettings
from semeia.studies.pictures.starts import STARTS
from semeia.studies.pictures.training import PictureStudySettings, Training
from semeia.studies.run.protocol import require_each_once, require_names

# Endoscopies of HyperKvasir: burned-in text on the left, an inset at the lower left, a sign and corners at the right.
OVERLAYS = (
    (0.0, 0.0, 0.25, 1.0),
    (0.0, 0.6, 0.36, 1.0),
    (0.9, 0.0, 1.0, 1.0),
    (0.78, 0.0, 1.0, 0.2),
    (0.78, 0.8, 1.0, 1.0),
)
SMALL = ModelSettings(
    image="patches",
    crop=CropSettings(voxels=(1, 48, 48), patch=(1, 12, 12)),
    encoder=EncoderSettings(dim=64, depth=2, heads=4, mixing="apart"),
)
FULL = LoopSettings(precision="fp32")  # layers this narrow are slower in half precision on a processor
IMAGENET_CROP = CropSettings(voxels=(1, 96, 96), patch=(1, 32, 32))
PRETRAINING = PretrainSettings(
    model=SMALL,
    optimiser=OptimiserSettings(epochs=30, batch=64, lr=1e-3),
    augmentation=RADIOGRAPH,
    loop=FULL,
    redrawn=3,
)
FINETUNING = FinetuneSettings(
    scratch=OptimiserSettings(steps=120, batch=32),
    pretrained=OptimiserSettings(steps=120, batch=32, encoder_lr=3e-4),
    supervised=SupervisedSettings(balanced=True),
    augmentation=replace(RADIOGRAPH, zoom=0.15),
    loop=replace(FULL, save_every=0),
)
IMAGENET_FINETUNING = replace(
    FINETUNING,
    scratch=FinetuneSettings().scratch,
    pretrained=OptimiserSettings(steps=120, batch=32, lr=1e-4, encoder_lr=5e-4),
)
FUSION = FusionSettings(depth=2)


@dataclass(frozen=True)
class PairedTraining(Training):
    """How networks of pairs are trained.

    Attributes:
        fusion: of the arms that fuse both modalities.
    """

    pretraining: PretrainSettings = PRETRAINING
    finetuning: FinetuneSettings = FINETUNING
    imagenet_finetuning: FinetuneSettings = IMAGENET_FINETUNING
    fusion: FusionSettings = FUSION


@dataclass(frozen=True)
class PairedSettings(PictureStudySettings):
    """The study of any paired archive. The defaults are the reduced ones, for two cores.

    Attributes:
        outcome: what is predicted, two classes or several; may be left out where the archive has one only.
        first: the modality that networks read, an image type of the archive; may be left out where there is one only.
        second: the real second modality; empty: there is none.
        starts: names in `STARTS`; empty: all that the archive allows.
        probed: starts whose encoder is only probed, where fine-tuning takes too long.
        covariates: columns of the units that may carry the label; each is a model of its own.
        within: a condition on covariates (SQL) on which all is judged once more, such as a band of slices.
        external_sites: sites that are only tested.
    """

    outcome: str = ""
    first: str = ""
    second: str = ""
    probed: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    within: str = ""
    external_sites: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    fractions: tuple[float, ...] = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0)
    training: PairedTraining = PairedTraining()

    def __post_init__(self) -> None:
        require_names("start", self.starts or ("random",), tuple(STARTS))
        super().__post_init__()
        require_each_once(self, "covariates")


@dataclass(frozen=True)
class GastroSettings(PairedSettings):
    """The study of endoscopies: as of any pair, with what is burned in made black."""

    training: PairedTraining = PairedTraining(
        pretraining=replace(
            PRETRAINING,
            model=replace(SMALL, crop=replace(SMALL.crop, picture=PictureSettings(hidden=OVERLAYS))),
        )
    )
