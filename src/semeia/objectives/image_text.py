"""CLIP and ConVIRT: an image should find its own report among the batch's reports, and a report its own image.

Views with the modality `report` go in; the terms `image_to_text` and `text_to_image` come out. Rows without a report or
without an image take no part. Sources: Radford et al. 2021 (2103.00020), figure 3; Zhang et al. 2020 (2010.00747), eqs.
2 to 4. Ours: rows with the same words are all right answers; "no acute findings" is nobody's own.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import nn
from torch.nn import functional as F

from semeia.encoders.patient import PatientEncoder
from semeia.errors import InputError
from semeia.objectives.guards import full_precision
from semeia.objectives.looks import has, image_vectors, image_width, images, rows_of
from semeia.objectives.objective import Objective
from semeia.objectives.projection import no_loss, perceptron
from semeia.objectives.step import Step
from semeia.ranges import ABOVE_0, FROM_1, SHARE, require_ranges
from semeia.shapes import Embeddings, Scalar
from semeia.views.patient import View, Views

REPORT = "report"
SameText = Bool[torch.Tensor, "n n"]
# CLIP keeps similarities from being multiplied by more than this.
SHARPEST = 100.0


@dataclass(frozen=True)
class ImageTextSettings:
    """The defaults are CLIP's; `CONVIRT` has ConVIRT's.

    Attributes:
        temperature: similarities are divided by it; the first value, where it is learnt.
        learn_temperature: whether it is trained; it stays above 1 / 100.
        image_to_text: weight of the direction from image to text; the other has the rest to 1.
        layers: of each projection: 1 is linear, 2 has a hidden layer as wide as `dim`.
        dim: width of the common space.
    """

    temperature: float = 0.07
    learn_temperature: bool = True
    image_to_text: float = 0.5
    layers: int = 1
    dim: int = 128

    def __post_init__(self) -> None:
        sizes = {"layers": FROM_1, "dim": FROM_1}
        require_ranges("image and text", self, {"image_to_text": SHARE, "temperature": ABOVE_0, **sizes})


CONVIRT = ImageTextSettings(temperature=0.1, learn_temperature=False, image_to_text=0.75, layers=2)


class ImageText(Objective):
    """The objective. Owns the text encoder and both projections.

    Args:
        encoder: trained in place.
        text: encoder of reports, `View -> [batch, text.dim]`; trained in place, too.
        settings: see `ImageTextSettings`.
    """

    reads_reports = True

    def __init__(self, encoder: PatientEncoder, *, text: nn.Module, settings: ImageTextSettings) -> None:
        super().__init__()
        self.settings = settings
        self.encoder = encoder
        self.text = text
        within = (settings.dim,) * settings.layers
        self.image_head = perceptron((image_width(encoder), *within), norm=False, last_bias=False)
        self.text_head = perceptron((text_width(text), *within), norm=False, last_bias=False)
        sharpness = torch.tensor(-math.log(settings.temperature))
        self.log_sharpness: torch.Tensor
        if settings.learn_temperature:
            self.log_sharpness = nn.Parameter(sharpness)
        else:
            self.register_buffer("log_sharpness", sharpness)

    def loss(self, views: Views, step: Step) -> dict[str, Scalar]:
        """Both directions, weighted. Raises InputError for a batch made without reports."""
        if REPORT not in views.modalities:
            raise InputError("this objective compares images with reports: the batch has no reports")
        both = has(views, "image") & has(views, REPORT)
        if not bool(both.any()):
            return dict.fromkeys(("image_to_text", "text_to_image"), no_loss(self))
        report = rows_of(views.modalities[REPORT], both)
        image = self.image_head(image_vectors(self.encoder, images(views, both)))
        there, back = matching(image, self.text_head(self.text(report)), same_words(report), self.log_sharpness.exp())
        share = self.settings.image_to_text
        return {"image_to_text": share * there, "text_to_image": (1 - share) * back}

    def after_step(self, step: Step) -> None:
        """Brings a learnt temperature back above its bound, as CLIP does."""
        with torch.no_grad():
            self.log_sharpness.clamp_(max=math.log(SHARPEST))


def matching(image: Embeddings, text: Embeddings, same: SameText, sharpness: Scalar) -> tuple[Scalar, Scalar]:
    """Cross-entropy of finding the text of each image, and the image of each text.

    Args:
        image: [n, dim], of any length.
        text: [n, dim].
        same: which rows' texts are the same, bool [n, n]; the target of a row is uniform over them.
        sharpness: cosines are multiplied by it.
    """
    image, text = F.normalize(image.float(), dim=1), F.normalize(text.float(), dim=1)
    with full_precision(image):
        similarity = sharpness * (image @ text.T)
    target = same.float() / same.sum(1, keepdim=True)
    return F.cross_entropy(similarity, target), F.cross_entropy(similarity.T, target)


def same_words(report: View) -> SameText:
    """Which rows hold the same tokens in the same order, bool [n, n]; padding does not count."""
    words = report.values.masked_fill(~report.present, -1)
    _, text = words.unique(dim=0, return_inverse=True)
    return text[:, None] == text


def text_width(text: nn.Module) -> int:
    """Length of a text's vector: what the encoder says of itself as `dim`."""
    width = getattr(text, "dim", None)
    if not isinstance(width, int):
        raise TypeError(f"{type(text).__name__} does not say how wide its vectors are: it needs an int `dim`")
    return width
