"""Weigh a benchmark's rates against each other. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from blocks.errors import DamagedData

WORKING = 0.02
"""Share of a second from which on something is at work in it."""
_STUDENT = {3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}
"""Quantiles of Student's distribution for a 95 % interval of so many values, or more."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs after each other, the rest and the whole of one pass, or one pass of two runs.

    Attributes:
        first, second: Transactions a second without and with, or ratios of them.
        taken: Share of one processor that what is weighed took in the second.
    """

    first: float
    second: float
    taken: float

    @property
    def ratio(self) -> float:
        """Throughput of the second run over that of the first."""
        return self.second / self.first


@dataclass(frozen=True, slots=True)
class Ratio:
    """What pairs show together.

    Attributes:
        mean: Of their ratios.
        low, high: 95 % interval of the mean.
        taken: Mean share of one processor.
    """

    pairs: tuple[Pair, ...]
    mean: float
    low: float
    high: float
    taken: float

    @property
    def sentence(self) -> str:
        """What was found, in one line."""
        return (
            f"{self.mean:.3f} of the throughput ({self.low:.3f} to {self.high:.3f}), "
            f"{self.taken:.2%} of a processor taken"
        )


def together(pairs: Sequence[Pair]) -> Ratio:
    """Weigh the ratios as logarithms: a half and a double cancel."""
    logs = [math.log(each.ratio) for each in pairs]
    middle, wide = mean(logs), _STUDENT[min(len(logs), 10)] * stdev(logs) / math.sqrt(len(logs))
    low, high = math.exp(middle - wide), math.exp(middle + wide)
    taken = mean(each.taken for each in pairs)
    return Ratio(
        tuple(pairs), round(math.exp(middle), 4), round(low, 4), round(high, 4), round(taken, 4)
    )


def passes(
    rates: Sequence[tuple[float, float]], interval: int, share: Callable[[float], float]
) -> list[Pair]:
    """Weigh each interval against those of its seconds in which nothing was at work.

    Args:
        rates: End of each second, and its rate.
        interval: Seconds from one pass to the next.
        share: Of the second that ended then: how much of it something was at work.

    Raises:
        DamagedData: It worked all the time: there is nothing to weigh a pass against.
    """
    found = []
    for begin in range(0, len(rates) - interval + 1, interval):
        window = [(rate, share(at)) for at, rate in rates[begin : begin + interval]]
        rest = [rate for rate, working in window if working < WORKING]
        if not rest:
            raise DamagedData("the passes", "have no rest between them", "write less")
        whole, taken = mean(rate for rate, _ in window), mean(working for _, working in window)
        found.append(Pair(mean(rest), whole, round(taken, 4)))
    return found


def apart(both: Ratio, one: Ratio) -> Ratio:
    """Return what is left of a cost when one part of it is taken away, pass by pass."""
    pairs = zip(one.pairs, both.pairs, strict=False)
    return together([Pair(o.ratio, b.ratio, b.taken) for o, b in pairs])
