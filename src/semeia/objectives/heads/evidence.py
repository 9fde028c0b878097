"""Read a head's outputs as evidence for a Dirichlet distribution, and join several heads by how sure each is.

Sources: Sensoy et al. 2018 (1806.01768), eqs. 1 and 5; Han et al. 2021 (2102.02051), eqs. 4, 5 and 10: Dempster's rule,
reduced. A head without evidence is sure of nothing and changes nothing, so a modality that is not there is left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from semeia.objectives.task import Logits
from semeia.shapes import Labels, Scalar

Dirichlet = Float[Tensor, "batch classes"]


def dirichlet(logits: Logits) -> Dirichlet:
    """Turn logits into parameters above 1; one logit counts for the second class and, negated, for the first."""
    both = torch.cat([-logits, logits], 1) if logits.shape[1] == 1 else logits
    return 1 + F.softplus(both.float())


def joined(heads: list[Dirichlet]) -> Dirichlet:
    """Join the opinions of several heads by Dempster's rule."""
    alpha = heads[0]
    for other in heads[1:]:
        (belief, unsure), (belief_too, unsure_too) = _opinion(alpha), _opinion(other)
        both = belief * belief_too + belief * unsure_too + belief_too * unsure
        total = both.sum(1, keepdim=True) + unsure * unsure_too  # 1 less the conflict
        certainty = alpha.shape[1] * total / (unsure * unsure_too)
        alpha = 1 + certainty * both / total
    return alpha


def _opinion(alpha: Dirichlet) -> tuple[Dirichlet, Float[Tensor, "batch 1"]]:
    """Beliefs and what is left unsure; they add up to 1."""
    strength = alpha.sum(1, keepdim=True)
    return (alpha - 1) / strength, alpha.shape[1] / strength


def evidential_loss(alpha: Dirichlet, labels: Labels, *, doubt: float) -> Scalar:
    """Take the expected cross-entropy, and `doubt` times the divergence of misleading evidence from none.

    The weight of the divergence must rise in the training, or evidence never forms.
    """
    truth = F.one_hot(labels.long(), alpha.shape[1]).to(alpha.dtype)
    expected = (truth * (alpha.sum(1, keepdim=True).digamma() - alpha.digamma())).sum(1)
    misleading = truth + (1 - truth) * alpha
    flat = torch.distributions.Dirichlet(torch.ones_like(alpha), validate_args=False)
    away = torch.distributions.kl_divergence(torch.distributions.Dirichlet(misleading, validate_args=False), flat)
    return (expected + doubt * away).mean()
