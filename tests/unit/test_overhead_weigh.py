"""How a benchmark's rates are weighed against each other."""

from __future__ import annotations

import pytest

from blocks.errors import DamagedData
from deployments.lab.overhead_weigh import Pair, apart, passes, together

RATES = [(float(second), 900.0 if second % 5 == 0 else 1000.0) for second in range(15)]


def at_work(end: float) -> float:
    return 0.5 if end % 5 == 0 else 0.0


def test_a_pass_is_weighed_against_its_own_rests() -> None:
    found = passes(RATES, 5, at_work)
    assert [(each.first, each.second, each.taken) for each in found] == [(1000.0, 980.0, 0.1)] * 3
    ratio = together(found)
    assert (ratio.mean, ratio.low, ratio.high, ratio.taken) == (0.98, 0.98, 0.98, 0.1)


def test_seconds_of_a_pass_that_was_not_whole_do_not_count() -> None:
    assert len(passes(RATES[:14], 5, at_work)) == 2


def test_a_pass_without_a_rest_cannot_be_weighed() -> None:
    with pytest.raises(DamagedData, match="no rest"):
        passes(RATES, 5, lambda _: 0.5)


def test_a_half_and_a_double_cancel() -> None:
    pairs = [Pair(100, 50, 0), Pair(50, 100, 0), Pair(100, 100, 0)]
    ratio = together(pairs)
    assert ratio.mean == 1.0
    assert ratio.low < 0.5
    assert ratio.high > 2


def test_a_part_of_the_cost_is_taken_away_pass_by_pass() -> None:
    both = together([Pair(100, 95, 0.06), Pair(100, 90, 0.06), Pair(100, 97, 0.06)])
    storages = together([Pair(100, 97, 0.01), Pair(100, 92, 0.01), Pair(100, 99, 0.01)])
    left = apart(both, storages)
    assert left.mean == pytest.approx(0.979, abs=0.001)
    assert left.taken == 0.06
