"""Embed pictures by EfficientNet-lite0: the smallest network here with published ImageNet weights (18 MB).

EfficientNet (Tan and Le 2019) without squeeze-and-excitation and with ReLU6, as Google's "lite" models for phones have
it. MONAI's blocks, under the names of the PyTorch port of EfficientNet that the weights are published with.
"""

from collections import OrderedDict

from torch import nn

from semeia.data.modalities import Volume
from semeia.encoders.feature_map import STRIDE, MapEmbedding

WIDTH = 1280
SCALE = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
# r: how often, k: kernel, s: stride, e: expansion, i and o: channels. Table 1 of the paper, without se.
BLOCKS = (
    "r1_k3_s11_e1_i32_o16",
    "r2_k3_s22_e6_i16_o24",
    "r2_k5_s22_e6_i24_o40",
    "r3_k3_s22_e6_i40_o80",
    "r3_k5_s11_e6_i80_o112",
    "r4_k5_s22_e6_i112_o192",
    "r1_k3_s11_e6_i192_o320",
)
# The port's 0.01 is made for 100 000s of steps: after a fine-tuning of 160, statistics would still be the first ones.
NORM = ("batch", {"eps": 1e-3, "momentum": 0.1})


class EfficientNetEmbedding(MapEmbedding):
    """Tokens 1280 wide."""

    def __init__(self, dim: int, *, modality: Volume) -> None:
        from monai.networks.nets.efficientnet import EfficientNet

        super().__init__("efficientnet_lite0", dim, modality=modality, width=WIDTH, scale=SCALE)
        # MONAI pads for one size of picture; all multiples of 32 are padded alike.
        whole = EfficientNet(list(BLOCKS), num_classes=1, image_size=STRIDE, norm=NORM, drop_connect_rate=0.0)
        blocks = [block for stage in whole._blocks.children() for block in stage.children()]
        for block in blocks:
            block._swish = nn.ReLU6(inplace=True)
        # MONAI counts the outputs of all groups: depthwise layers start so small that, before any training, statistics
        # are still 0 and 1 and a picture leaves no trace at the end.
        for layer in whole.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.network = nn.Sequential(
            OrderedDict(
                _conv_stem_padding=whole._conv_stem_padding,
                _conv_stem=whole._conv_stem,
                _bn0=whole._bn0,
                stem_act=nn.ReLU6(inplace=True),
                _blocks=nn.Sequential(*blocks),
                _conv_head=whole._conv_head,
                _bn1=whole._bn1,
                head_act=nn.ReLU6(inplace=True),
            )
        )
