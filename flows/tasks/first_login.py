"""Log in to a new machine, and leave it with a host key that nobody but itself knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from blocks.errors import HostKeyMismatch
from blocks.repositories.journal import Journal
from blocks.servers.base import Server
from blocks.types import Machine
from flows.decisions.host_keys import FIRST_LOGIN, RENEWAL, host_keys, key_facts
from flows.tasks.incident import Estate, Incident, StepNote
from flows.tasks.steps import step

_BOOT = timedelta(seconds=300)
"""A machine at a provider boots, and then cloud-init runs, before its SSH server answers."""
_AGAIN = timedelta(seconds=30)


def enter(incident: Incident, machine: Machine) -> tuple[Machine, Server]:
    """Return the machine with the host key that it has from now on, and the way in."""
    server = connect(incident, machine)
    server = renew_host_key(incident, machine, server)
    return replace(machine, host_key=server.ssh_address().host_key), server


def as_it_is_now(estate: Estate, machine: Machine) -> Machine:
    """Return a machine that its provider listed with the host key that it shows today.

    A provider knows the key that the machine was made with; its incident's journal knows more.
    """
    if incident := machine.tags.get("incident", ""):
        records = Journal(estate.state, incident).records()
        return replace(machine, host_key=host_keys(records, machine.host_key).current)
    return machine


@step(FIRST_LOGIN)
def connect(incident: Incident, note: StepNote, machine: Machine) -> Server:
    """Log in to the new machine, whose host key is known beforehand; have it make its own."""
    known = host_keys(incident.records, machine.host_key)
    server, shown = _log_in(incident.estate, machine, known.accepted)
    stopped = server.stop_jobs()
    note.saw = f"{machine.address} répond avec la clé d'hôte attendue"
    note.did = f"travaux restés en cours arrêtés : {', '.join(stopped)}" if stopped else ""
    if shown == machine.host_key:
        note.data = key_facts(machine.host_key, server.stage_host_key())
    return server


@step(RENEWAL)
def renew_host_key(incident: Incident, note: StepNote, machine: Machine, server: Server) -> Server:
    """Put the machine's own host key in force; return the way in that accepts no other."""
    known = host_keys(incident.records, machine.host_key)
    if known.renewed:
        note.skipped, note.why = True, "remplacée lors d'un passage précédent"
        return server
    renewed = incident.estate.server.at(machine.address, known.own)
    try:
        server.install_host_key(known.own)
    except HostKeyMismatch:
        # A try before this one came so far: then it shows its own key, and must.
        renewed.install_host_key(known.own)
    renewed.wait_ready(timeout=_AGAIN)
    note.did = f"{machine.address} montre une clé d'hôte faite sur place ; l'injectée ne vaut plus"
    note.data = key_facts(machine.host_key, known.own)
    return renewed


def _log_in(estate: Estate, machine: Machine, accepted: Sequence[str]) -> tuple[Server, str]:
    """Return the way in under the first of the keys that the machine shows, and that key."""
    *others, last = accepted
    for key in others:
        server = estate.server.at(machine.address, key)
        try:
            server.wait_ready(timeout=_BOOT)
        except HostKeyMismatch:
            continue
        return server, key
    server = estate.server.at(machine.address, last)
    server.wait_ready(timeout=_BOOT)
    return server, last
