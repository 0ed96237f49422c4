"""Cover a stretch with overlapping pieces: how far does it reach without a gap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Piece = TypeVar("Piece")


def cover(
    pieces: Sequence[Piece],
    begin: Any,  # noqa: ANN401 - offsets or times, whatever the pieces are measured in
    first: Callable[[Piece], Any],
    last: Callable[[Piece], Any],
) -> tuple[Piece, ...]:
    """Return the fewest pieces that go on from `begin` as far as possible without a gap.

    A piece goes from `first` to `last` of it.
    """
    chosen: list[Piece] = []
    left = sorted(pieces, key=first)
    reached, number = begin, 0
    while True:
        best: Piece | None = None
        while number < len(left) and first(left[number]) <= reached:
            if best is None or last(left[number]) > last(best):
                best = left[number]
            number += 1
        if best is None or last(best) <= reached:
            return tuple(chosen)
        chosen.append(best)
        reached = last(best)
