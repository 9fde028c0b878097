"""Texts become token ids that do not depend on the order of the training texts; padding is marked."""

import json
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semeia.data.modalities.text import Text, Vocabulary
from semeia.errors import InputError

TEXTS = [
    "Joint space narrowing, medially.",
    "Large osteophytes; no effusion.",
    "joint effusion. No osteophytes, MEDIALLY",
]


def _words(vocabulary: Vocabulary) -> dict[str, int]:
    return json.loads(vocabulary.definition)["model"]["vocab"]


def test_frequent_words_first_then_by_the_alphabet():
    words = _words(Vocabulary.fit(TEXTS))
    # held by 2 or 3 texts each; a text that repeats a word counts once
    assert sorted(words, key=words.__getitem__) == [
        *("[PAD]", "[UNK]"),
        *(".", ",", "effusion", "joint", "medially", "no", "osteophytes"),
    ]
    assert "large" not in words
    assert "large" in _words(Vocabulary.fit(TEXTS, least=1))
    assert Vocabulary.fit(TEXTS, size=4).size == 4


def test_a_number_that_may_name_somebody_stays_out_of_the_vocabulary():
    texts = ["seen 2019, 12 mm, MRN0042871, 30-31-55", "seen 2019, 12 mm, MRN0042871, 30-31-55, 4711001"] * 2
    assert set(_words(Vocabulary.fit(texts))) == {
        "[PAD]",
        "[UNK]",
        "-",
        ",",
        "seen",
        "2019",
        "12",
        "mm",
        "30",
        "31",
        "55",
    }


@given(st.permutations(TEXTS + TEXTS[:1]))
def test_the_order_of_the_texts_is_nothing(texts: list[str]):
    assert Vocabulary.fit(texts) == Vocabulary.fit([*TEXTS, TEXTS[0]])


def test_encoding_marks_what_is_there():
    vocabulary = Vocabulary.fit(TEXTS)
    words = _words(vocabulary)
    values, present = vocabulary.encode(["No EFFUSION of the joint, no", None, "  ", "joint"], 5)
    expected = [words[word] for word in ("no", "effusion", "[UNK]", "[UNK]", "joint")]
    assert values.dtype == torch.long
    assert values[0].tolist() == expected
    assert present.sum(1).tolist() == [5, 0, 0, 1]
    assert values[3].tolist() == [words["joint"], 0, 0, 0, 0]
    where = Text().places(5)
    assert torch.equal(where[:, 0], torch.arange(5.0))
    assert not where[:, 1:].any()


def test_a_saved_vocabulary_is_the_same():
    vocabulary = Vocabulary.fit(TEXTS)
    again = Vocabulary(json.loads(json.dumps(vocabulary.definition)))
    assert torch.equal(again.encode(TEXTS, 8)[0], vocabulary.encode(TEXTS, 8)[0])
    assert again.encode(TEXTS, 3)[0].shape == (3, 3)


def test_texts_without_a_common_word_are_refused():
    for texts in ([], ["", " "], ["one two", "three"]):
        with pytest.raises(InputError, match=f"no word is held by 2 of the {len(texts)} training texts"):
            Vocabulary.fit(texts)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"tokenizer\.json"):
        Vocabulary.of_folder(tmp_path)
    for content in ("{", "[]", '{"version": "1.0"}'):
        (tmp_path / "tokenizer.json").write_text(content)
        with pytest.raises(InputError, match=r"tokenizer\.json: not a tokenizer"):
            Vocabulary.of_folder(tmp_path)


def test_a_folder_with_our_own_tokenizer(tmp_path: Path):
    vocabulary = Vocabulary.fit(TEXTS)
    (tmp_path / "tokenizer.json").write_text(vocabulary.definition)
    assert Vocabulary.of_folder(tmp_path) == vocabulary


def test_a_pretrained_tokenizer_pads_nothing_by_itself():
    if "SEMEIA_TEXT_MODEL" not in os.environ:
        pytest.skip("SEMEIA_TEXT_MODEL is not set: no pretrained text model is at hand")
    vocabulary = Vocabulary.of_folder(os.environ["SEMEIA_TEXT_MODEL"])
    values, present = vocabulary.encode(["no effusion", None, "word " * 50], 12)
    assert present.sum(1).tolist()[1:] == [0, 12]
    assert 3 < int(present[0].sum()) < 8
    assert values[0, 0] == values[2, 0]  # both are opened by the same token
    assert values[2, -1] == values[0, int(present[0].sum()) - 1]  # and closed, after the cut, too
