"""The shapes of what an evaluation computes with, by name (jaxtyping; checked at run time in tests only).

n rows of predictions, some draws of the patients; `rows` counts the rows as they are and then every draw.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

Column = Shaped[np.ndarray, "n"]
Reals = Float[np.ndarray, "n"]
Numbers = Int[np.ndarray, "n"]
Mask = Bool[np.ndarray, "n"]
Matrix = Float[np.ndarray, "n k"]
Weights = Shaped[np.ndarray, "draws n"]  # how often each row is in each draw
Drawn = Float[np.ndarray, "draws"]
DrawnColumns = Float[np.ndarray, "draws k"]
Squares = Float[np.ndarray, "draws k k"]  # of confusions: true classes down, called ones across
Rows = Float[np.ndarray, "rows"]
Sites = Float[np.ndarray, "sites"]
PointWeights = Float[np.ndarray, "draws points"]
Thresholds = Float[np.ndarray, "thresholds"]
EachThreshold = Float[np.ndarray, "draws thresholds"]
