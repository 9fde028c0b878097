"""Between what values a measurement is believed: its values in the training patients go in; two limits come out.

A laboratory result is now and then a typing error or a code for "not done" (a tidal volume of 650,000 ml), and one such
value outweighs all others in a standard deviation. Values beyond a limit are taken as the limit: what is extreme stays
so, and no value is larger than belief. The limits lie beyond the 1st and the 99th percentile by as much as these lie
from the median. The published pipeline leaves out what is above the upper one (arXiv 2402.05802, code); that would make
the patient with the most extreme result one without any.
"""

import numpy as np
from jaxtyping import Float64

from semeia.signatures.running import QuantileSketch

LEAST, MOST = 0.01, 0.99

Limit = Float64[np.ndarray, " channels"]


def limits(values: QuantileSketch, *, channels: int) -> tuple[Limit, Limit]:
    """The lowest and the highest value of each channel that is taken as it is.

    NaN where there is none: no values, or so few different ones that the percentile is the median itself.
    """
    low, middle, high = (values.quantiles(share, channels=channels) for share in (LEAST, 0.5, MOST))
    return (
        np.where(low < middle, 2 * low - middle, np.nan),
        np.where(high > middle, 2 * high - middle, np.nan),
    )
