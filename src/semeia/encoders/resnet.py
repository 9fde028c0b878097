"""Embed pictures by a residual network (He et al. 2016), 18 or 50 layers deep: the usual network to compare with,
and one of which ImageNet weights are published. MONAI's layers, named and laid out as torchvision's.
"""

from collections import OrderedDict
from typing import Literal

from torch import nn

from semeia.data.modalities import Volume
from semeia.encoders.feature_map import MapEmbedding

# Of the photographs that torchvision's weights were trained on.
SCALE = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Depth: kind of block, blocks a stage, width of the last feature map.
SIZES = {18: ("basic", [2, 2, 2, 2], 512), 50: ("bottleneck", [3, 4, 6, 3], 2048)}
LAYERS = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")


class ResNetEmbedding(MapEmbedding):
    """Tokens 512 wide of depth 18, and 2048 of depth 50."""

    def __init__(self, dim: int, *, modality: Volume, depth: Literal[18, 50] = 18) -> None:
        from monai.networks.nets.resnet import ResNet

        block, blocks, width = SIZES[depth]
        super().__init__(f"resnet{depth}", dim, modality=modality, width=width, scale=SCALE)
        # Shortcuts of type B without bias are torchvision's.
        whole = ResNet(
            block,
            blocks,
            [64, 128, 256, 512],
            spatial_dims=2,
            n_input_channels=3,
            conv1_t_stride=2,
            shortcut_type="B",
            bias_downsample=False,
            feed_forward=False,
        )
        self.network = nn.Sequential(OrderedDict((name, getattr(whole, name)) for name in LAYERS))
