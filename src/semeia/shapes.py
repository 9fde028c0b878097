"""The shapes that pass between rooms, by name (jaxtyping; checked at run time in tests only)."""

from jaxtyping import Bool, Float, Int
from torch import Tensor

Scalar = Float[Tensor, ""]
Volumes = Float[Tensor, "batch channel depth height width"]
Pictures = Float[Tensor, "batch channel height width"]
Planes = Bool[Tensor, "batch depth"]
Labels = Float[Tensor, " batch"]

TokenValues = Float[Tensor, "batch length dim"]
TokenMask = Bool[Tensor, "batch length"]
TokenKind = Int[Tensor, "batch length"]
TokenPlace = Float[Tensor, "batch length 3"]
TokenTime = Float[Tensor, "batch length"]
Attention = Bool[Tensor, "batch length length"]

Pooled = Float[Tensor, "batch modality dim"]
TokenMembers = Bool[Tensor, "batch modality length"]
ModalityMask = Bool[Tensor, "batch modality"]
Embeddings = Float[Tensor, "n dim"]
Features = Float[Tensor, "batch features"]
