"""Share what convolutional networks of photographs have in common: gray becomes three equal colours, one token is a
location of the last feature map, 32 pixels apart. Pictures that are absent are never computed, so that they
reach no batch statistics either.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from semeia.data.crops import CropSettings
from semeia.data.modalities import Volume
from semeia.encoders.present import of_present
from semeia.encoders.volume import scanned
from semeia.errors import InputError
from semeia.shapes import Pictures, TokenMask, TokenValues, Volumes

STRIDE = 32  # five halvings, in every network here
Colour = tuple[float, float, float]


class Colours(nn.Module):
    """Colours in [0, 1], scaled as the network's own photographs were; gray is taken thrice."""

    def __init__(self, mean: Colour, sd: Colour) -> None:
        super().__init__()
        self.mean: torch.Tensor
        self.sd: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("sd", torch.tensor(sd)[:, None, None], persistent=False)

    def forward(self, pictures: Pictures) -> Float[Tensor, "batch 3 height width"]:
        """[n, 1 or 3, height, width] to [n, 3, height, width]."""
        colours = (pictures - self.mean) / self.sd
        # Channels last in memory: the layout that convolutions on a CPU work in.
        return colours.contiguous(memory_format=torch.channels_last)


class MapEmbedding(nn.Module):
    """One token a location of a network's last feature map, 32 pixels apart; it sees far across its border.

    Args:
        name: of the architecture.
        width: of its last map, which `dim` must be.
        scale: mean and standard deviation of each colour of its own photographs.
    """

    maskable = False
    network: nn.Module

    def __init__(self, name: str, dim: int, *, modality: Volume, width: int, scale: tuple[Colour, Colour]) -> None:
        super().__init__()
        self.architecture, self.crop, self.colours = name, modality.crop, Colours(*scale)
        if self.crop.voxels[0] != 1 or self.crop.patch != (1, STRIDE, STRIDE):
            raise InputError(
                f"{name} reads pictures: set crop.patch to [1,{STRIDE},{STRIDE}] and crop.voxels to [1,HEIGHT,WIDTH], "
                f"multiples of {STRIDE}; not patch {self.crop.patch} of {self.crop.voxels}"
            )
        if dim != width:
            raise InputError(f"{name} makes tokens {width} wide: set encoder.dim to {width}, not {dim}")

    def forward(self, values: Volumes, present: TokenMask) -> TokenValues:
        """Pictures in [0, 1], [n, channel, 1, height, width], to [n, locations, dim]; absent tokens are 0."""
        return tokens_of_map(nn.Sequential(self.colours, self.network), values, present, self.crop)


def tokens_of_map(network: nn.Module, values: Volumes, present: TokenMask, crop: CropSettings) -> TokenValues:
    """Run `network` ([n, channel, height, width] to [n, dim, rows, columns]) on the pictures that are there.

    Returns:
        [n, rows * columns, dim]; absent tokens are 0.
    """

    def read(values: Volumes, present: TokenMask) -> TokenValues:
        return network(scanned(values, present, crop)[:, :, 0]).flatten(2).transpose(1, 2)

    return of_present(read, present.any(1), values, present)
