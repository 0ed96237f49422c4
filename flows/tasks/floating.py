"""Lead a server's floating address to its new machine, and see from outside that it does."""

from __future__ import annotations

from datetime import timedelta
from time import monotonic, sleep

from blocks.errors import (
    ContinuityError,
    DeadlineExceeded,
    HostKeyMismatch,
    Unreachable,
    VerificationFailed,
)
from blocks.records import StepState
from blocks.repositories.journal import Journal
from blocks.servers.base import Server
from blocks.types import Machine
from flows.decisions.floating import Floating
from flows.decisions.recovery_plan import SitePlan
from flows.tasks.incident import Estate, Incident, StepNote
from flows.tasks.sites import require_pages
from flows.tasks.steps import step

ANSWERS_WITHIN = timedelta(seconds=60)
"""How long the way to the new machine may take to be known everywhere."""
_TRY = timedelta(seconds=10)


@step("address", retries=0)
def move_address(
    incident: Incident,
    note: StepNote,
    server: Server,
    machine: Machine,
    floating: Floating,
    first: SitePlan,
) -> str:
    """Lead the address to the new machine and return it: then no name needs to change.

    From outside it must show the host key of the new machine, and the pages of `first`.

    Raises:
        ContinuityError: It does not; the names then follow by DNS.
    """
    provider, address = incident.estate.providers[floating.provider], floating.address
    try:
        held = provider.address_holder(address)
        note.saw = f"{address} menait à {held or 'aucune machine'}"
        if held != machine.id:
            provider.move_address(address, machine.id)
        if inside := provider.address_inside(address, machine.id):
            server.take_address(inside)
        _require_host_key(server, address)
        seen = require_pages(incident, first, address)
    except ContinuityError as error:
        note.data = {"to_check": [_left(address, server, error)]}
        _let_go(incident.estate, server, machine, floating)
        raise
    note.did = f"{address} mène à {machine.name} ; vu de l'extérieur : sa clé d'hôte, {seen}"
    note.data = {"machine": machine.id}
    return address


def leave_address(incident: Incident, why: str) -> None:
    """Write down why the address stays where it is."""
    with incident.step("address") as note:
        note.skipped, note.why = True, why


def floating_of(estate: Estate) -> Floating | None:
    """Return the server's address if its provider can lead it to another machine."""
    declared = estate.declared.floating
    if declared is None:
        return None
    region = estate.providers[declared.provider].place(declared.region)
    return Floating(estate.server.address, declared.provider, region)


def carrier(incident: Incident) -> str:
    """Return the incident's machine that the floating address leads to already, "" if none.

    Whoever answers at the server's address is then the new machine and not the lost one.
    """
    floating = floating_of(incident.estate)
    if floating is None or not incident.done("machine"):
        return ""
    provider = incident.estate.providers[floating.provider]
    try:
        held = provider.address_holder(floating.address)
        ours = {each.id for each in provider.find({"incident": incident.id})}
    except ContinuityError:
        moved = incident.done("address")
        return str(moved.data.get("machine", "")) if moved else ""
    return held if held in ours else ""


def leads_to(estate: Estate, machine: Machine) -> str:
    """Return the server's floating address if visitors come to this machine by it, "" if not.

    It must have been seen from outside in the machine's incident: otherwise the names were changed.

    Raises:
        ContinuityError: Its provider cannot be asked.
    """
    floating = floating_of(estate)
    records = Journal(estate.state, machine.tags.get("incident", "")).records()
    ended = [each.state for each in records if each.step == "address" and each.ended_at]
    if floating is None or ended[-1:] != [StepState.DONE]:
        return ""
    held = estate.providers[floating.provider].address_holder(floating.address)
    return floating.address if held == machine.id else ""


def _require_host_key(server: Server, address: str) -> None:
    """Require the new machine's host key at the address: no stale way leads to the old one."""
    there = server.at(address, server.ssh_address().host_key)
    deadline = monotonic() + ANSWERS_WITHIN.total_seconds()
    while True:
        try:
            there.run(("true",), timeout=_TRY)
        except (HostKeyMismatch, Unreachable, DeadlineExceeded) as error:
            if monotonic() > deadline:
                raise VerificationFailed(
                    f"floating address {address}",
                    f"does not lead to {server.address}: {error.cause}",
                    "look at it in the provider's console; the names follow by DNS meanwhile",
                ) from error
            sleep(0.3)
        else:
            return


def _left(address: str, server: Server, error: ContinuityError) -> str:
    return (
        f"adresse flottante {address} non déplacée ({error.cause}) : les noms sont menés à "
        f"{server.address} par le DNS, site par site"
    )


def _let_go(estate: Estate, server: Server, machine: Machine, floating: Floating) -> None:
    """Take the address from a machine that it does not lead to, so that it reaches the other."""
    try:
        provider = estate.providers[floating.provider]
        inside = provider.address_inside(floating.address, machine.id)
        if inside and provider.address_holder(floating.address) != machine.id:
            server.drop_address(inside)
    except ContinuityError:
        # What failed first is told; an address that leads nowhere disturbs no visitor.
        return
