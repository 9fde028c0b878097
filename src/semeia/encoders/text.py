"""Reports to vectors: a view of token ids goes in, one vector a report comes out, the mean over its tokens.

`TextEncoder` is small and starts from nothing. `PretrainedText` is a BERT-like model in a local folder. Neither reads
padding, and a unit without a report gets zeros.
"""

import json
from pathlib import Path

import torch
from torch import nn

from semeia.encoders.patient import EncoderSettings, TransformerBlocks
from semeia.encoders.position import sine_cosine
from semeia.errors import InputError
from semeia.shapes import Embeddings, TokenMask, TokenValues
from semeia.views.patient import View


class TextEncoder(nn.Module):
    """Embeds words, adds their place, and mixes them.

    Args:
        words: size of the vocabulary.
        settings: size of the transformer; its `dim` is that of the vector.
    """

    def __init__(self, words: int, *, settings: EncoderSettings) -> None:
        super().__init__()
        self.dim = settings.dim
        self.words = nn.Embedding(words, settings.dim)
        self.blocks = TransformerBlocks(
            settings.dim, depth=settings.depth, heads=settings.heads, mlp_ratio=settings.mlp_ratio
        )

    def forward(self, view: View) -> Embeddings:
        """Token ids [batch, length] to [batch, dim]."""
        x = self.words(_ids(view)) + sine_cosine(view.where[..., 0], self.dim)
        attend = view.present[:, None, :].expand(-1, view.present.shape[1], -1)
        return mean_of_present(self.blocks(x, attend), view.present)


class PretrainedText(nn.Module):
    """A BERT-like model, trained further with everything else; read it with `Vocabulary.of_folder(folder)`.

    Args:
        folder: Hugging Face folder with config.json and model.safetensors. Nothing is ever downloaded.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        absent = [name for name in ("config.json", "model.safetensors") if not (Path(folder) / name).is_file()]
        if absent:
            raise InputError(f"{folder}: lacks {' and '.join(absent)}; give a Hugging Face folder with safetensors.")
        try:
            from transformers import AutoModel  # pyright: ignore[reportMissingImports]
            from transformers.utils import logging  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise InputError("a pretrained text model needs the package transformers; install it.") from error
        logging.disable_progress_bar()  # one of the weights, half a second long
        try:
            self.model = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, RuntimeError, json.JSONDecodeError) as error:
            raise InputError(f"{folder}: not a model that transformers can read.") from error
        if getattr(self.model, "pooler", None) is not None:
            self.model.pooler = None  # parameters no gradient would reach
        self.dim = int(self.model.config.hidden_size)

    def forward(self, view: View) -> Embeddings:
        """Token ids [batch, length] to [batch, dim]; `length` is at most what the model has places for."""
        x = self.model(input_ids=_ids(view), attention_mask=view.present.long()).last_hidden_state
        return mean_of_present(x, view.present)


def mean_of_present(x: TokenValues, present: TokenMask) -> Embeddings:
    """The mean over the present tokens, [batch, dim]; zeros where there is none."""
    there = present[..., None]
    return torch.where(there, x, 0.0).sum(1) / there.sum(1).clamp(min=1)


def _ids(view: View) -> torch.Tensor:
    """Token ids, 0 where nothing is present: whatever stands there is never read."""
    return torch.where(view.present, view.values, 0)
