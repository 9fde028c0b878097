"""Share what convolutional networks of photographs have in common: gray becomes three equal colours, one token is a
location of the last feature map, 32 pixels apart. Pictures that are absent are never computed, so that they
reach no batch statistics either.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from semeia.data.crops import CropSettings
from semeia.encoders.present import of_present
from semeia.encoders.volume import scanned
from semeia.errors import InputError
from semeia.shapes import Pictures, TokenMask, TokenValues, Volumes

STRIDE = 32  # five halvings, in every network here


class Colours(nn.Module):
    """Colours in [0, 1], scaled as the network's own photographs were; gray is taken thrice."""

    def __init__(self, mean: tuple[float, float, float], sd: tuple[float, float, float]) -> None:
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


def require_fit(name: str, dim: int, width: int, crop: CropSettings) -> None:
    """Refuse a crop that is no picture in patches of 32 pixels, and tokens of another width than the network's."""
    if crop.voxels[0] != 1 or crop.patch != (1, STRIDE, STRIDE):
        raise InputError(
            f"{name} reads pictures: set crop.patch to [1,{STRIDE},{STRIDE}] and crop.voxels to [1,HEIGHT,WIDTH], "
            f"multiples of {STRIDE}; not patch {crop.patch} of {crop.voxels}"
        )
    if dim != width:
        raise InputError(f"{name} makes tokens {width} wide: set encoder.dim to {width}, not {dim}")


def tokens_of_map(network: nn.Module, values: Volumes, present: TokenMask, crop: CropSettings) -> TokenValues:
    """Run `network` ([n, channel, height, width] to [n, dim, rows, columns]) on the pictures that are there.

    Returns:
        [n, rows * columns, dim]; absent tokens are 0.
    """

    def read(values: Volumes, present: TokenMask) -> TokenValues:
        return network(scanned(values, present, crop)[:, :, 0]).flatten(2).transpose(1, 2)

    return of_present(read, present.any(1), values, present)
