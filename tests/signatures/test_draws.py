"""Draws: the published generator, the same compiled or not, uniform, and apart for different names."""

import hashlib

import numpy as np
from scipy.stats import kstest

from semeia.signatures.draws import derived, mixed, mixed_scalar, text_keys, uniform
from step_grid import random_bits, uniforms


def test_is_splitmix64_compiled_or_not():
    keys = np.array([0, 1, 2**63, 2**64 - 1], np.uint64)

    for counter in (0, 1, 2**40):
        expected = [random_bits(int(key), counter) for key in keys]
        assert mixed(keys, np.array([counter], np.uint64)).tolist() == expected
        assert [int(mixed_scalar(key, np.uint64(counter))) for key in keys] == expected
    # The first outputs of the reference implementation for the seed 1234567.
    assert [random_bits(1234567, n) for n in range(2)] == [6457827717110365317, 3203168211198807973]


def test_uniform_numbers_are_uniform():
    numbers = np.array([uniform(np.uint64(99), np.uint64(n)) for n in range(5000)])

    assert kstest(numbers, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < 0.05


def test_texts_have_their_own_keys():
    keys = text_keys(["a", "b", "", "ä"])

    assert len(set(keys.tolist())) == 4
    assert int(keys[0]) == int.from_bytes(hashlib.blake2b(b"a", digest_size=8).digest(), "little")


def test_a_pair_is_not_its_reverse():
    one, two = text_keys(["a"]), text_keys(["b"])

    assert derived(one, two)[0] != derived(two, one)[0]
    assert derived(one, text_keys(["a", "b", "c"])).shape == (3,)


def test_the_oracles_arrays_are_its_whole_numbers():
    expected = [(random_bits(2**64 - 3, 7 + n) >> 11) / 2**53 for n in range(5)]

    assert uniforms(2**64 - 3, 7, 5).tolist() == expected
