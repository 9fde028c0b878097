"""Encode each modality by a transformer of its own, and fuse them by cross-attention where labels are learnt from.

As MICS (2509.17492) does it, for any number of modalities: a block is self-attention, attention to the others' tokens
and a perceptron. The tokens of a modality that is not there are no keys: a unit with one modality is that one alone.
"""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from semeia.data.batch import Batch
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.encoders.tokens import Tokens, join, pack_order, take
from semeia.errors import InputError
from semeia.shapes import Attention, TokenMask, TokenValues

FUSED = "fused"
Keys = Float[Tensor, "batch key dim"]
Known = Bool[Tensor, "batch key"]
Looks = Float[Tensor, "batch length key"]


class ApartEncoder(PatientEncoder):
    """A patient encoder whose modalities do not see each other: one transformer each."""

    blocks: nn.ModuleList  # pyright: ignore[reportIncompatibleVariableOverride]

    def _mixer(self) -> nn.Module:
        return nn.ModuleList(PatientEncoder._mixer(self) for _ in self.kinds)

    def mix(self, tokens: Tokens, *, attend: Attention | None = None) -> Tokens:
        """Let the tokens of each modality see each other, of those what `attend` [batch, query, key] says."""
        x = tokens.x
        for index, blocks in enumerate(self.blocks):
            mine = tokens.present & (tokens.kind == index)
            if not torch.compiler.is_exporting() and not bool(mine.any()):
                continue
            order, own = pack_order(mine), tokens.select(mine)
            seen = own.present[:, None, :].expand(-1, own.present.shape[1], -1)
            if attend is not None:
                rows = attend.gather(1, order[:, :, None].expand(-1, -1, attend.shape[2]))
                seen = seen & rows.gather(2, order[:, None, :].expand(-1, order.shape[1], -1))
            mixed = blocks(own.x, seen).to(x.dtype)
            # A row with fewer tokens of this modality is padded by others of its tokens: those stay as they are.
            mixed = torch.where(own.present[..., None], mixed, take(x, order))
            x = x.scatter(1, order[:, :, None].expand_as(mixed), mixed)
        return tokens.holding(x)

    def only(self, names: tuple[str, ...]) -> "PatientEncoder":
        """Make the encoder of some of the modalities, with the same weights."""
        smaller = super().only(names)
        smaller.blocks = nn.ModuleList(self.blocks[self.kinds.index(name)] for name in smaller.kinds)
        return smaller


class FusionEncoder(ApartEncoder):
    """An encoder each, and blocks that fuse them. `pool` gives a part more than there are modalities, the fused one.

    With the mixing "cross" the first modality that a unit has attends to its others; with "symmetric" each of them to
    the others by the same blocks, and the fused part is of all.
    """

    def __init__(self, embeddings: dict[str, nn.Module], *, settings: EncoderSettings) -> None:
        super().__init__(embeddings, settings=settings)
        self.fusion = FusionBlocks(settings)

    @property
    def parts(self) -> tuple[str, ...]:
        """Modalities, and what they are fused to."""
        return (*self.kinds, FUSED)

    def forward(self, batch: Batch) -> Tokens:
        """Make the tokens of each modality, and behind them the fused ones."""
        own = self.mix(self.embed(batch).packed())
        fused = (self._fused(asking, asked) for asking, asked in self.directions(own))
        return join([own, *fused])

    def directions(self, tokens: Tokens) -> list[tuple[Tokens, Tokens]]:
        """Say who asks whom: one modality's tokens and the others', for each direction."""
        numbers = torch.arange(len(self.kinds), device=tokens.x.device)
        has = ((tokens.kind[:, None] == numbers[:, None]) & tokens.present[:, None]).any(2)
        leads = [has.long().argmax(1)]
        if self.settings.mixing == "symmetric":
            known = numbers if torch.compiler.is_exporting() else numbers[has.any(0)]
            leads = [number.expand(has.shape[0]) for number in known]
        led = [tokens.kind == lead[:, None] for lead in leads]
        return [(tokens.select(mine), tokens.select(~mine)) for mine in led]

    def _fused(self, asking: Tokens, asked: Tokens) -> Tokens:
        x = self.fusion(asking.x, asking.present, asked.x, asked.present)
        return replace(asking, x=x, kind=torch.full_like(asking.kind, len(self.kinds)))

    @torch.no_grad()
    def attention(self, batch: Batch) -> dict[str, Float[Tensor, "batch token"]]:
        """Measure how much the last fusion block looks at each token of a modality, when the others ask.

        Returns:
            By modality the mean over asking tokens and heads, [batch, token], in the layout of `Seen.present`. What a
            unit's other modalities share out adds up to 1; a modality that only asks has 0 throughout.
        """
        own = self.mix(self.embed(batch).packed())
        known = {name: batch.modalities[name].present.flatten(1) for name in self.kinds if name in batch.modalities}
        maps = {name: torch.zeros(present.shape, device=own.x.device) for name, present in known.items()}
        for asking, asked in self.directions(own):
            looks = self.fusion.looks(asking.x, asking.present, asked.x, asked.present)
            shares = (looks * asking.present[..., None]).sum(1) / asking.present.sum(1, keepdim=True).clamp(min=1)
            for name, present in known.items():
                # Tokens lie in the order in which they are present.
                mine = asked.present & (asked.kind == self.kinds.index(name))
                answers = present & mine.any(1, keepdim=True)
                maps[name][answers] += shares[mine]
        return maps

    def only(self, names: tuple[str, ...]) -> "PatientEncoder":
        """Make the encoder of some of the modalities, with the same weights."""
        smaller = super().only(names)
        smaller.fusion = self.fusion
        return smaller


class FusionBlocks(nn.Module):
    """Blocks of self-attention, cross-attention and a perceptron, and a last normalisation."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(FusionBlock(settings) for _ in range(settings.fusion_depth))
        self.norm = nn.LayerNorm(settings.dim)

    def forward(self, x: TokenValues, present: TokenMask, context: Keys, known: Known) -> TokenValues:
        """Fuse tokens that ask, [batch, length, dim], with what is `known` of the `context`."""
        for block in self.blocks:
            x = block(x, present, context, known)
        return self.norm(x)

    def looks(self, x: TokenValues, present: TokenMask, context: Keys, known: Known) -> Looks:
        """Say how much each token looks at each of the context in the last block, [batch, length, key]."""
        *before, last = (block for block in self.blocks if isinstance(block, FusionBlock))
        for block in before:
            x = block(x, present, context, known)
        asking = last.among_themselves(x, present)
        return last.asked(asking, context, known, looks=True)[1]  # pyright: ignore[reportReturnType]


class FusionBlock(nn.Module):
    """One pre-norm block. Where nothing is known its cross-attention adds nothing."""

    def __init__(self, settings: EncoderSettings) -> None:
        super().__init__()
        from monai.networks.blocks.mlp import MLPBlock
        from monai.networks.blocks.selfattention import SABlock

        dim, heads = settings.dim, settings.heads
        self.norm_itself, self.norm_others, self.norm_each = (nn.LayerNorm(dim) for _ in range(3))
        self.itself = SABlock(dim, heads, qkv_bias=True, use_flash_attention=True)
        # MONAI's cross-attention takes no mask of the keys.
        self.others = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.each = MLPBlock(dim, int(dim * settings.mlp_ratio))

    def forward(self, x: TokenValues, present: TokenMask, context: Keys, known: Known) -> TokenValues:
        """[batch, length, dim] to the same shape."""
        x = self.among_themselves(x, present)
        x = x + self.asked(x, context, known)[0]
        return x + self.each(self.norm_each(x))

    def among_themselves(self, x: TokenValues, present: TokenMask) -> TokenValues:
        """Add what the present tokens of the same modality say."""
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        return x + self.itself(self.norm_itself(x), attn_mask=(present[:, None, :] | itself)[:, None])

    def asked(
        self, x: TokenValues, context: Keys, known: Known, *, looks: bool = False
    ) -> tuple[TokenValues, Looks | None]:
        """Give what the known tokens of other modalities say, and with `looks` who looked at what."""
        nobody = ~known.any(1, keepdim=True)
        # A softmax over no key is no number: such a row asks the padding, and its answer is dropped.
        hidden = ~(known | nobody)
        answer, shares = self.others(self.norm_others(x), context, context, key_padding_mask=hidden, need_weights=looks)
        nobody = nobody[..., None]
        return answer.masked_fill(nobody, 0.0), None if shares is None else shares.masked_fill(nobody, 0.0)


def with_fusion(encoder: PatientEncoder, *, symmetric: bool, depth: int, seed: int) -> FusionEncoder:
    """Put freshly drawn fusion blocks on an encoder of each modality, whose weights it shares.

    Args:
        encoder: of which `mixing` is "apart".

    Raises:
        InputError: the encoder mixes all modalities in one transformer.
    """
    if not isinstance(encoder, ApartEncoder):
        raise InputError('a fusion joins an encoder each: pretrain (or start) with encoder.mixing "apart"')
    settings = replace(encoder.settings, mixing="symmetric" if symmetric else "cross", fusion_depth=depth)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        wider = FusionEncoder(dict(encoder.embeddings.items()), settings=settings)
    wider.kind, wider.blocks = encoder.kind, encoder.blocks
    return wider.train(encoder.training)
