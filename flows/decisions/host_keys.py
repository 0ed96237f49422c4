"""Which host keys a machine may show, from what was written down of its first logins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from blocks.records import StepRecord, StepState

FIRST_LOGIN, RENEWAL = "connect", "host-key"
"""The steps that name a key: the one that the machine made, then the same in force."""


@dataclass(frozen=True, slots=True)
class HostKeys:
    """The public keys of one machine.

    Attributes:
        injected: What it was made with. Who can read its user data at the provider knows the
            private half.
        own: What it made itself, "" if that is not known to have happened.
        renewed: Whether its own is known to be in force.
    """

    injected: str
    own: str = ""
    renewed: bool = False

    @property
    def accepted(self) -> tuple[str, ...]:
        """Return the keys that it may show, in the order to try; never a third."""
        if self.renewed:
            return (self.own,)
        return (self.own, self.injected) if self.own else (self.injected,)

    @property
    def current(self) -> str:
        """Return the key that it shows as far as is known."""
        return self.accepted[-1]


def key_facts(injected: str, own: str) -> dict[str, object]:
    """Return what a step writes down: `injected` tells the machine from one made in its place."""
    return {"injected": injected, "own": own}


def host_keys(records: Iterable[StepRecord], injected: str) -> HostKeys:
    """Return what an incident's journal says of the machine that was made with this key."""
    known = HostKeys(injected)
    for each in records:
        if each.state is not StepState.DONE or each.data.get("injected") != injected:
            continue
        if each.step == FIRST_LOGIN and not known.renewed:
            known = HostKeys(injected, str(each.data["own"]))
        elif each.step == RENEWAL:
            known = HostKeys(injected, str(each.data["own"]), renewed=True)
    return known
