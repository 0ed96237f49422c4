from __future__ import annotations

import pytest

from blocks.errors import ProviderError
from blocks.repositories.restic_locks import Lock, held, may_unlock

RECORDED = (
    b'{"time":"2026-11-23T11:02:30.4+01:00","exclusive":false,"hostname":"web1",'
    b'"username":"root","pid":4711}'
)
WEB1, WORKER = Lock("web1", 4711), Lock("worker", 4712)


def test_a_lock_says_who_holds_it():
    assert held(RECORDED) == WEB1
    with pytest.raises(ProviderError, match="cannot be read"):
        held(b"")


@pytest.mark.parametrize(
    ("locks", "seen", "may"),
    [
        ([WEB1], "web1\n\n", True),
        ([WEB1], "web1\nrestic\n", False),
        ([WEB1], "web1\nphp-fpm8.2\n", False),
        ([WEB1, Lock("web1", 9)], "web1\n\nrestic\n", True),
        ([WEB1, Lock("web1", 9)], "web1\n\nphp-fpm8.2\n", False),
        ([WORKER], "web1\n\n", False),
        ([WEB1, WORKER], "web1\n\nphp-fpm8.2\n", True),
        ([WEB1], "web2\n\n", False),
        ([], "web1\n", False),
    ],
)
def test_only_a_process_that_is_gone_makes_a_lock_dead(locks, seen, may):
    assert may_unlock(locks, seen) is may
