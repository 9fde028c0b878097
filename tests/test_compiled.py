"""Compiling: the function stays the function, with a cache or without a place for one."""

import math

import pytest
from numba.core import caching

from semeia.compiled import compiled


def ratio(one, other):
    return one / other


@pytest.mark.parametrize("cached", [True, False])
def test_is_the_same_function(monkeypatch: pytest.MonkeyPatch, cached: bool):
    if not cached:
        monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    fast = compiled(ratio)

    assert fast(3.0, 4.0) == 0.75
    assert math.isinf(fast(1.0, 0.0))
