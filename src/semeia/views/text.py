"""Reports as token ids: a vocabulary is fitted on the training texts, or read from a folder; texts become a `View`.

Words whole, in lower case, punctuation apart. A word that few texts hold stays out of the vocabulary: it cannot be
learned from, and may be a name, which a saved model must not carry.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from semeia.archive.small_file import read_text
from semeia.errors import InputError
from semeia.views.patient import View

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PADDING, UNKNOWN = "[PAD]", "[UNK]"
LARGEST = 4000


@dataclass(frozen=True)
class Vocabulary:
    """What turns text into token ids.

    Attributes:
        definition: a tokenizer of the `tokenizers` library, as its JSON.
    """

    definition: str

    @classmethod
    def fit(cls, texts: Sequence[str], *, size: int = LARGEST, least: int = 2) -> "Vocabulary":
        """Takes the words that most texts hold; ties go by the alphabet, so the order of the texts is nothing.

        Args:
            texts: of training patients only.
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
        words = sorted((word for word, count in held.items() if count >= least), key=lambda word: (-held[word], word))
        if not words:
            raise InputError(f"reports: no word is held by {least} of the {len(texts)} training texts.")
        ids = {word: place for place, word in enumerate((PADDING, UNKNOWN, *words[: size - 2]))}
        tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
        tokenizer.normalizer = clean
        tokenizer.pre_tokenizer = split
        return cls(tokenizer.to_str())

    @classmethod
    def of_folder(cls, folder: str | Path) -> "Vocabulary":
        """The tokenizer of a local Hugging Face folder, for `PretrainedText` of the same folder.

        Raises:
            InputError: The folder has no `tokenizer.json`, or one that cannot be read.
        """
        path = Path(folder) / "tokenizer.json"
        try:
            definition = read_text(path)
            vocabulary = cls(definition)
            _ = vocabulary.size
        except Exception as error:  # the library raises plain Exception
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: not a tokenizer of the tokenizers library.") from error
        return vocabulary

    @property
    def size(self) -> int:
        """Number of token ids."""
        return _tokenizer(self.definition, None).get_vocab_size()

    def encode(self, texts: Sequence[str | None], length: int) -> View:
        """The view of a batch of texts, at most `length` tokens each; the rest of a text is cut off.

        Args:
            texts: one a unit; None or blank where there is no report.
            length: tokens of the view.

        Returns:
            values: token ids (int64) [batch, length]; present: real tokens, none where there is no report; where:
            the token's place in the text, then 0, 0.
        """
        tokenizer = _tokenizer(self.definition, length)
        values = torch.zeros(len(texts), length, dtype=torch.long)
        present = torch.zeros(len(texts), length, dtype=torch.bool)
        for row, text in enumerate(texts):
            if text is None or not text.strip():  # a pretrained tokenizer would still open and close the text
                continue
            ids = tokenizer.encode(text).ids
            values[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
            present[row, : len(ids)] = True
        where = torch.zeros(len(texts), length, 3)
        where[..., 0] = torch.arange(length)
        return View(values=values, present=present, where=where)


@lru_cache(maxsize=4)
def _tokenizer(definition: str, length: int | None) -> "Tokenizer":
    """A tokenizer that cuts at `length` and does not pad; reading a large one takes a while."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(definition)
    tokenizer.no_padding()
    if length is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(max_length=length)
    return tokenizer
