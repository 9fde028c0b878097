"""Draw random numbers that are a pure function of names: 64-bit keys and uniforms.

A draw is the splitmix64 finaliser (Steele, Lea, Flood 2014) of a key and a counter, so that no order of subjects,
batches, processes or events can change it. Keys come from what a thing is (a code, what a record holds), never from a
row number or from a pseudonym, which another key of the archive would change.
"""

import hashlib
from collections.abc import Iterable
from typing import no_type_check

import numpy as np
from jaxtyping import UInt64

from semeia.compiled import compiled

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53


@no_type_check  # compiled for scalars and called with arrays: the run-time checks of the tests would hide it from numba
def mixed(key, counter):
    """The `counter`-th 64 random bits of `key`: both uint64, scalars in compiled code or arrays outside it."""
    bits = key + (counter + np.uint64(1)) * _GOLDEN
    bits = (bits ^ (bits >> _S30)) * _FIRST
    bits = (bits ^ (bits >> _S27)) * _SECOND
    return bits ^ (bits >> _S31)


mixed_scalar = compiled(mixed)


@compiled
@no_type_check
def uniform(key, counter):
    """The `counter`-th uniform number of `key` in [0, 1), 53 bits. Compiled; scalars uint64."""
    return (mixed_scalar(key, counter) >> _S11) * _TO_UNIT


def text_keys(texts: Iterable[str]) -> UInt64[np.ndarray, "n"]:
    """A 64-bit key for every text: the head of its BLAKE2b, the same on every machine."""
    heads = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(heads, "<u8").astype(np.uint64)


def derived(key: UInt64[np.ndarray, "#n"], of: UInt64[np.ndarray, "#n"]) -> UInt64[np.ndarray, "_"]:
    """Keys of pairs: what `of` is to `key`; one of them may be a single key for all of the other."""
    return mixed(key, mixed(of, np.zeros(1, np.uint64)))
