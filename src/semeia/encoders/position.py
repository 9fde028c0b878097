"""Write where and when as fixed sine and cosine features: in millimetres and months, so that spacing and visit
gaps count."""

import torch

from semeia.shapes import TokenPlace, TokenTime, TokenValues

# Wavelengths from 4 (a fine patch, a quarter's visit) to 400 (a whole crop, decades).
SHORTEST, LONGEST = 4.0, 400.0


def sine_cosine(value: torch.Tensor, features: int) -> torch.Tensor:
    """Make the features of one coordinate, [..., features]; `features` is even."""
    steps = torch.arange(features // 2, device=value.device, dtype=torch.float32)
    wavelength = SHORTEST * (LONGEST / SHORTEST) ** (steps / max(features // 2 - 1, 1))
    angle = value[..., None].float() * (2 * torch.pi / wavelength)
    return torch.cat([angle.sin(), angle.cos()], -1)


def place_and_time(where: TokenPlace, when: TokenTime, dim: int) -> TokenValues:
    """Make one vector a token: a quarter of `dim` for each of depth, height, width and time. `dim` is a multiple
    of 8."""
    quarter = dim // 4
    coordinates = [*where.unbind(-1), when]
    return torch.cat([sine_cosine(coordinate, quarter) for coordinate in coordinates], -1)
