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
    rank: Callable[[Piece], int] = lambda _: 0,
) -> tuple[Piece, ...]:
    """Return pieces that go on from `begin` as far as possible without a gap.

    A piece goes from `first` to `last` of it. The lowest rank gives as long as it leads on; of one
    rank, the fewest pieces.
    """
    chosen: list[Piece] = []
    left = sorted(pieces, key=first)
    best: dict[int, Piece] = {}
    reached, number = begin, 0
    while True:
        while number < len(left) and first(left[number]) <= reached:
            each = left[number]
            held = best.setdefault(rank(each), each)
            if last(each) > last(held):
                best[rank(each)] = each
            number += 1
        further = [best[each] for each in sorted(best) if last(best[each]) > reached]
        if not further:
            return tuple(chosen)
        chosen.append(further[0])
        reached = last(further[0])
