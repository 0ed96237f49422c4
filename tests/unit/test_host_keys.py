"""Which host keys a machine may show, after any beginning of its first login."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from blocks.records import StepRecord, StepState
from flows.decisions.host_keys import HostKeys, host_keys, key_facts

FIRST, OWN, OTHER = "ssh-ed25519 AAAAfirst", "ssh-ed25519 AAAAown", "ssh-ed25519 AAAAother"


def record(
    step: str, injected: str = FIRST, own: str = OWN, state: StepState = StepState.DONE
) -> StepRecord:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    return StepRecord("inc-1", 1, step, state, at, data=key_facts(injected, own))


CONNECT, RENEWED = record("connect"), record("host-key")


@pytest.mark.parametrize(
    ("records", "accepted"),
    [
        ([], (FIRST,)),
        ([record("connect", state=StepState.FAILED)], (FIRST,)),
        ([CONNECT], (OWN, FIRST)),
        ([CONNECT, record("host-key", state=StepState.STARTED)], (OWN, FIRST)),
        ([CONNECT, record("host-key", state=StepState.FAILED)], (OWN, FIRST)),
        ([CONNECT, RENEWED], (OWN,)),
        ([CONNECT, RENEWED, record("connect", own=OTHER)], (OWN,)),
        ([CONNECT, record("connect", own=OTHER)], (OTHER, FIRST)),
        ([record("connect", OTHER), record("host-key", OTHER)], (FIRST,)),
    ],
)
def test_accepted_keys(records: list[StepRecord], accepted: tuple[str, ...]) -> None:
    known = host_keys(records, FIRST)
    assert known.accepted == accepted
    assert known.current == accepted[-1]


def test_a_run_from_before_keys_were_renewed_begins_with_the_first() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert host_keys([StepRecord("i", 1, "connect", StepState.DONE, at)], FIRST) == HostKeys(FIRST)
