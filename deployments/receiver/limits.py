"""Let through so many of a kind in a time; time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock


class RateLimit:
    """A bucket of tokens for each key: `burst` at once, then one every `seconds`.

    Holds no more than `keys` buckets; the longest unused are forgotten first.
    """

    def __init__(self, burst: int, seconds: float, keys: int = 5_000) -> None:
        self._burst, self._seconds, self._keys = burst, seconds, keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def allow(self, key: str, now: float) -> bool:
        """Take a token; return whether there was one.

        Args:
            key: Whose bucket.
            now: Seconds of a clock that never runs backwards.
        """
        with self._lock:
            left, since = self._buckets.pop(key, (float(self._burst), now))
            left = min(self._burst, left + (now - since) / self._seconds)
            allowed = left >= 1
            self._buckets[key] = (left - 1 if allowed else left, now)
            if len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
            return allowed
