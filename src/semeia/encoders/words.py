"""Embed written words: one token a word, mixed among themselves before any other modality is seen.

`WordEmbedding` is small and starts from nothing. `PretrainedWords` is a BERT-like model in a local folder. Neither
reads padding.
"""

import json
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor, nn

from semeia.data.modalities import Text
from semeia.encoders.blocks import TransformerBlocks
from semeia.encoders.position import sine_cosine
from semeia.errors import InputError
from semeia.shapes import TokenMask, TokenValues

Ids = Int[Tensor, "n length"]


class WordEmbedding(nn.Module):
    """Add a word's vector and its place, and mix the words of a text."""

    maskable = False

    def __init__(self, dim: int, *, modality: Text) -> None:
        super().__init__()
        self.dim = dim
        self.words = nn.Embedding(modality.vocabulary.size, dim)
        self.blocks = TransformerBlocks(dim, depth=modality.depth, heads=4, mlp_ratio=2.0)

    def forward(self, values: Ids, present: TokenMask) -> TokenValues:
        """Token ids [n, length] to [n, length, dim]."""
        place = torch.arange(values.shape[1], device=values.device).expand_as(values)
        x = self.words(torch.where(present, values, 0)) + sine_cosine(place, self.dim)
        return self.blocks(x, present[:, None, :].expand(-1, present.shape[1], -1))


class PretrainedWords(nn.Module):
    """A BERT-like model, trained further with everything else; its vocabulary is that of the same folder."""

    maskable = False

    def __init__(self, dim: int, *, modality: Text) -> None:
        super().__init__()
        self.model = _bert(Path(modality.folder or "."))
        self.leave = nn.Linear(int(self.model.config.hidden_size), dim)  # pyright: ignore[reportArgumentType, reportAttributeAccessIssue]

    def forward(self, values: Ids, present: TokenMask) -> TokenValues:
        """Token ids [n, length] to [n, length, dim]; `length` is at most what the model has places for."""
        # A row without a word would have nothing to attend to.
        attend = present | ~present.any(1, keepdim=True)
        x = self.model(input_ids=torch.where(present, values, 0), attention_mask=attend.long()).last_hidden_state
        return self.leave(x)


def _bert(folder: Path) -> nn.Module:
    absent = [name for name in ("config.json", "model.safetensors") if not (folder / name).is_file()]
    if absent:
        raise InputError(f"{folder}: lacks {' and '.join(absent)}; give a Hugging Face folder with safetensors.")
    try:
        from transformers import AutoModel  # pyright: ignore[reportMissingImports]
        from transformers.utils import logging  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError("a pretrained text model needs the package transformers; install it.") from error
    logging.disable_progress_bar()  # one of the weights, half a second long
    try:
        model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, RuntimeError, json.JSONDecodeError) as error:
        raise InputError(f"{folder}: not a model that transformers can read.") from error
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # parameters no gradient would reach
    return model
