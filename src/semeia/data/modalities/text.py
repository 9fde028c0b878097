"""Read written reports: a vocabulary is fitted on the training texts, or read from a folder; a token a word.

Words whole, in lower case, punctuation apart. A word that few texts hold stays out of the vocabulary: it cannot be
learned from, and may be a name, which a saved model must not carry. Neither does a number of five digits or more come
in, nor a word with as many: record numbers, telephone numbers, dates written together.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import polars as pl
import torch
from jaxtyping import Float

from semeia.archive.small_file import read_text
from semeia.archive.store import Archive
from semeia.data.modality import Allocate, Arrays, Mask, Modality, numbered
from semeia.errors import InputError
from semeia.ranges import FROM_0, FROM_1, require_ranges

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING, UNKNOWN = "[PAD]", "[UNK]"
LARGEST = 4000
_IDENTIFIER = re.compile(r"\d(\D?\d){4}")  # five digits, perhaps with a sign between two of them


@dataclass(frozen=True)
class Vocabulary:
    """What turns text into token ids.

    Attributes:
        definition: a tokenizer of the `tokenizers` library, as its JSON.
    """

    definition: str

    @property
    def size(self) -> int:
        """Number of token ids."""
        return _tokenizer(self.definition, None).get_vocab_size()

    @classmethod
    def fit(cls, texts: Sequence[str], *, size: int = LARGEST, least: int = 2) -> "Vocabulary":
        """Take the words that most texts hold; ties go by the alphabet, so the order of the texts is nothing.

        Args:
            size: of the vocabulary at most, padding and the unknown word included.
            least: number of texts that must hold a word.

        Raises:
            InputError: No word is held by `least` texts.
        """
        from tokenizers import Tokenizer
        from tokenizers.models import WordLevel
        from tokenizers.normalizers import BertNormalizer
        from tokenizers.pre_tokenizers import BertPreTokenizer

        clean, split = BertNormalizer(lowercase=True), BertPreTokenizer()
        held = Counter(
            word for text in texts for word in {w for w, _ in split.pre_tokenize_str(clean.normalize_str(text))}
        )
        common = (word for word, count in held.items() if count >= least and not _IDENTIFIER.search(word))
        words = sorted(common, key=lambda word: (-held[word], word))
        if not words:
            raise InputError(f"reports: no word is held by {least} of the {len(texts)} training texts.")
        ids = {word: place for place, word in enumerate((PADDING, UNKNOWN, *words[: size - 2]))}
        tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
        tokenizer.normalizer = clean
        tokenizer.pre_tokenizer = split
        return cls(tokenizer.to_str())

    @classmethod
    def of_folder(cls, folder: str | Path) -> "Vocabulary":
        """Read the tokenizer of a local Hugging Face folder, for `PretrainedWords` of the same folder.

        Raises:
            InputError: The folder has no `tokenizer.json`, or one that cannot be read.
        """
        path = Path(folder) / "tokenizer.json"
        try:
            vocabulary = cls(read_text(path))
            _ = vocabulary.size
        except Exception as error:  # the library raises plain Exception
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: not a tokenizer of the tokenizers library.") from error
        return vocabulary

    def encode(self, texts: Sequence[str | None], length: int) -> tuple[torch.Tensor, Mask]:
        """Turn texts into token ids [text, length] and say which there are; the rest of a longer text is cut off."""
        tokenizer = _tokenizer(self.definition, length)
        values = torch.zeros(len(texts), length, dtype=torch.long)
        present = torch.zeros(len(texts), length, dtype=torch.bool)
        for row, text in enumerate(texts):
            if not text or not text.strip():  # a pretrained tokenizer would still open and close the text
                continue
            ids = tokenizer.encode(text).ids
            values[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
            present[row, : len(ids)] = True
        return values, present


@dataclass(frozen=True)
class Text(Modality):
    """Written reports.

    Attributes:
        length: tokens that are read of a text; the rest is cut off.
        depth: transformer blocks that read the words alone, before other modalities are seen.
        folder: a local Hugging Face folder with a pretrained text encoder instead; nothing is ever downloaded.
        fitted: None before `fit`.
    """

    called: ClassVar[str] = "report"
    # Words are cut, and counted, when a batch is made.
    after_reading: ClassVar[tuple[str, ...]] = (*Modality.after_reading, "length", "depth", "folder")

    type: Literal["text"] = "text"
    length: int = 64
    depth: int = 2
    folder: str | None = None
    fitted: Vocabulary | None = None

    def __post_init__(self) -> None:
        require_ranges("text", self, {"length": FROM_1, "depth": FROM_0})

    @property
    def embedding(self) -> str:
        """A small network from nothing, or a pretrained one."""
        return "words" if self.folder is None else "pretrained_words"

    @property
    def vocabulary(self) -> Vocabulary:
        """The fitted words."""
        return self.known(self.fitted)

    def find(self, archive: Archive) -> pl.DataFrame:
        """List the reports."""
        return archive.table("reports").select("unit_id", "subject_id", "time", "text")

    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Take the texts as they are."""
        return self.arrays(np.array(found["text"].to_list(), dtype=object))

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take texts from memory, [n] or one column; what is no text, or blank, is none."""
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise InputError(f"texts of shape {values.shape[1:]}: expected one a unit")
        texts = np.array([str(text) if isinstance(text, str) else "" for text in values], dtype=object)
        return Arrays(texts, np.array([bool(text.strip()) for text in texts], bool)[:, None], names)

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Text":
        """Fit the words on the training units, or take those of the folder."""
        if self.folder is not None:
            return replace(self, fitted=Vocabulary.of_folder(self.folder))
        texts = [text for text in arrays.values[chosen] if text.strip()]
        if not texts:
            raise InputError(f"none of the {len(chosen)} training units has a report")
        return replace(self, fitted=Vocabulary.fit(texts))

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Turn texts into token ids."""
        return self.vocabulary.encode(arrays.values[chosen].tolist(), self.length)

    def places(self, tokens: int) -> Float[torch.Tensor, "token 3"]:
        """Number the words."""
        return numbered(tokens)


@lru_cache(maxsize=4)
def _tokenizer(definition: str, length: int | None) -> "Tokenizer":
    """Make a tokenizer that cuts at `length` and does not pad; reading a large one takes a while."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(definition)
    tokenizer.no_padding()
    if length is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_length=length)
    return tokenizer
