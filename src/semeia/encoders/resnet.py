"""Embed pictures by a residual network (He et al. 2016), 18 or 50 layers deep: the usual network to compare with,
and one of which ImageNet weights are published. MONAI's layers, named and laid out as torchvision's.
"""

from collections import OrderedDict
from typing import Literal

from torch import nn

from semeia.data.modalities import Volume
from semeia.encoders.feature_map import Colours, require_fit, tokens_of_map
from semeia.shapes import TokenMask, TokenValues, Volumes

# Of the photographs that torchvision's weights were trained on.
MEAN, SD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Depth: kind of block, blocks a stage, width of the last feature map.
SIZES = {18: ("basic", [2, 2, 2, 2], 512), 50: ("bottleneck", [3, 4, 6, 3], 2048)}
LAYERS = ("conv1", "bn1", "act", "maxpool", "layer1", "layer2", "layer3", "layer4")


class ResNetEmbedding(nn.Module):
    """One token a location of the last feature map, 32 pixels apart; a token sees far across its border.

    It is 512 wide of depth 18, and 2048 of depth 50.
    """

    maskable = False

    def __init__(self, dim: int, *, modality: Volume, depth: Literal[18, 50] = 18) -> None:
        super().__init__()
        from monai.networks.nets.resnet import ResNet

        block, blocks, width = SIZES[depth]
        self.architecture = f"resnet{depth}"
        require_fit(self.architecture, dim, width, modality.crop)
        self.crop = modality.crop
        self.colours = Colours(MEAN, SD)
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

    def forward(self, values: Volumes, present: TokenMask) -> TokenValues:
        """Pictures in [0, 1], [n, channel, 1, height, width], to [n, locations, dim]; absent tokens are 0."""
        return tokens_of_map(nn.Sequential(self.colours, self.network), values, present, self.crop)
