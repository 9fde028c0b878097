"""Hold tokens: what every encoder gives out, whatever went in. An image cut in patches and a patient cut in
(modality, visit) are both Tokens, so that one predictor, one mask and one loss serve both.
"""

from dataclasses import dataclass, replace

import torch

from semeia.shapes import TokenKind, TokenMask, TokenPlace, TokenTime, TokenValues


@dataclass(frozen=True)
class Tokens:
    """A batch of token sequences.

    Attributes:
        x: values, [batch, length, dim].
        present: False where there is only padding, [batch, length].
        kind: which modality each token is of, an index into the encoder's `kinds`, [batch, length].
        where: place of the token within its modality, [batch, length, 3] (see data/batch.py).
        when: months before the index date, [batch, length].
    """

    x: TokenValues
    present: TokenMask
    kind: TokenKind
    where: TokenPlace
    when: TokenTime

    def select(self, keep: TokenMask) -> "Tokens":
        """Keep the tokens where `keep` is set, packed to the left; rows are padded to the longest of
        them."""
        keep = keep & self.present
        order = pack_order(keep)
        return replace(
            self,
            x=take(self.x, order),
            present=keep.gather(1, order),
            kind=self.kind.gather(1, order),
            where=take(self.where, order),
            when=self.when.gather(1, order),
        )

    def packed(self) -> "Tokens":
        """Drop the padding in between."""
        return self.select(self.present)

    def holding(self, x: TokenValues, *, present: TokenMask | None = None) -> "Tokens":
        """Put other values in the place of the tokens, and possibly fewer of them present."""
        return replace(self, x=x, present=self.present if present is None else self.present & present)


def pack_order(keep: TokenMask) -> torch.Tensor:
    """Find the positions of the kept tokens, kept ones first and in their order, [batch, longest].

    In an exported graph no shape may hang on the values: there all tokens stay where they are, and masks do the rest.
    """
    if torch.compiler.is_exporting():
        return torch.arange(keep.shape[1], device=keep.device).expand(keep.shape)
    longest = max(int(keep.sum(1).max()), 1)
    return torch.argsort((~keep).to(torch.int8), dim=1, stable=True)[:, :longest]


def take(values: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Gather [batch, length, dim] along the length."""
    return values.gather(1, order[:, :, None].expand(-1, -1, values.shape[-1]))


def join(parts: list[Tokens]) -> Tokens:
    """Lay sequences end to end."""
    return Tokens(
        x=torch.cat([part.x for part in parts], 1),
        present=torch.cat([part.present for part in parts], 1),
        kind=torch.cat([part.kind for part in parts], 1),
        where=torch.cat([part.where for part in parts], 1),
        when=torch.cat([part.when for part in parts], 1),
    )
