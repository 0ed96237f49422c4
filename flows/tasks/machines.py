"""Stop the old machine, make the new one, destroy a drill's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    OutOfStock,
    PrimaryNotFenced,
    ProviderError,
)
from blocks.servers.host_key import new_host_key
from blocks.types import Machine, MachineRequest
from blocks.vps.base import VpsProvider
from flows.decisions.recovery_plan import RecoveryPlan, TargetChoice
from flows.reports.wording import answering_text, counted
from flows.tasks.floating import carrier
from flows.tasks.incident import Estate, Incident, StepNote, now
from flows.tasks.leases import is_held_anywhere
from flows.tasks.look import ports_of_lost
from flows.tasks.steps import step


@step("fence")
def fence(incident: Incident, note: StepNote) -> None:
    """Make sure that the old server serves nobody: over SSH, else by its provider.

    Raises:
        PrimaryNotFenced: It still answers after both.
    """
    estate, successor = incident.estate, carrier(incident)
    answering = ports_of_lost(incident)
    note.saw = f"{estate.server.address} {answering_text(answering)}"
    if successor:
        note.saw = f"{estate.server.address} mène déjà à la nouvelle machine"
    failures = []
    if 22 in answering:
        try:
            estate.server.fence()
            note.did = "services arrêtés et masqués par SSH"
        except ContinuityError as error:
            failures.append(str(error))
    declared = estate.declared
    if declared.origin and (not answering or failures) and declared.origin_machine != successor:
        try:
            note.did = _power_off(estate)
        except ContinuityError as error:
            failures.append(str(error))
    # Nothing was stopped on a silent server: looking twice would only take time.
    still = [port for port in ports_of_lost(incident) if port != 22] if answering else []
    if still:
        raise PrimaryNotFenced(
            f"old server {estate.server.address}",
            f"still answers on {still}; " + "; ".join(failures),
            "stop it at its provider by hand, then run the recovery again with the same incident",
        )
    note.why = "; ".join(failures)


def _power_off(estate: Estate) -> str:
    provider = estate.providers[estate.declared.origin]
    known = {machine.id for machine in provider.find({})}
    if estate.declared.origin_machine not in known:
        return ""
    provider.power_off(estate.declared.origin_machine)
    return f"{estate.declared.origin_machine} éteint chez {estate.declared.origin}"


@step("machine")
def make_machine(incident: Incident, note: StepNote, plan: RecoveryPlan) -> Machine:
    """Return the incident's machine: the one that exists, else a new one at the first target."""
    found = _chosen_before(incident, note, _existing(incident, note, plan))
    note.saw = "" if found else "aucune machine pour cet incident"
    if len(found) > 1:
        raise ProviderError(
            f"incident {incident.id}",
            f"has {len(found)} machines: {', '.join(m.id for m in found)}",
            "destroy those that are not wanted at their provider, then run it again",
        )
    if found:
        machine = found[0]
        incident.estate.providers[machine.provider].power_on(machine.id)
        note.did = f"{machine.id} reprise, {machine.address}"
        note.why += "créée lors d'un passage précédent"
    else:
        machine = _create_somewhere(incident, note, plan)
        note.did = f"{machine.name} créée chez {machine.provider}, {machine.address}"
    note.data = {
        "machine": machine.id,
        "address": machine.address,
        "provider": machine.provider,
        "size": machine.size,
        "region": machine.region,
    }
    return machine


@step("destroy")
def destroy_machine(incident: Incident, note: StepNote) -> None:
    """Destroy every machine of this incident. Only for drills."""
    for reference, provider in incident.estate.providers.items():
        for machine in provider.find({"incident": incident.id, "purpose": "drill"}):
            provider.destroy(machine.id)
            note.did += f"{machine.name} détruite chez {reference} ; "


@step("sweep")
def sweep(incident: Incident, note: StepNote, machines: Sequence[Machine]) -> None:
    """Destroy drill machines that earlier runs left behind."""
    note.saw = f"{counted(len(machines), 'machine')} d'exercices précédents"
    for machine in machines:
        incident.estate.providers[machine.provider].destroy(machine.id)
        note.did += f"{machine.name} détruite ; "


def drill_machines(estate: Estate) -> tuple[Machine, ...]:
    """Return all drill machines at the server's providers."""
    return tuple(find_machines(estate, {"managed-by": "continuity", "purpose": "drill"}))


def live_incidents(estate: Estate, machines: Sequence[Machine]) -> frozenset[str]:
    """Return which of the machines' incidents are held by a run that still lives."""
    incidents = {machine.tags.get("incident", "") for machine in machines}
    return frozenset(each for each in incidents if is_held_anywhere(estate, f"drill-{each}"))


def _existing(incident: Incident, note: StepNote, plan: RecoveryPlan) -> list[Machine]:
    """Return the incident's machines; a provider that does not answer is named, not waited for."""
    tags = {"managed-by": "continuity", "incident": incident.id, "server": plan.server}
    found: list[Machine] = []
    for reference, provider in incident.estate.providers.items():
        try:
            found += _named(provider.find(tags), reference)
        except ContinuityError as error:
            note.why += f"{reference} n'a pas pu être interrogé ({error.cause}) ; "
    return found


def _chosen_before(
    incident: Incident, note: StepNote, found: Sequence[Machine]
) -> Sequence[Machine]:
    """Return the machine that an earlier run took, if several are there; else all of them.

    A provider that did not answer may have made one all the same before the next one was asked.
    """
    record = incident.done("machine")
    known = (record.data.get("provider"), record.data.get("machine")) if record else None
    taken = [each for each in found if (each.provider, each.id) == known]
    if len(found) < 2 or len(taken) != 1:
        return found
    others = ", ".join(f"{m.name} chez {m.provider}" for m in found if m is not taken[0])
    note.why += f"aussi faite pour cet incident, à détruire après : {others} ; "
    return taken


def find_machines(estate: Estate, tags: Mapping[str, str]) -> list[Machine]:
    """Return the machines with these tags at all providers."""
    providers = estate.providers.items()
    return [m for reference, each in providers for m in _named(each.find(tags), reference)]


def _named(machines: Sequence[Machine], reference: str) -> list[Machine]:
    """Let each machine name the block of its provider."""
    return [replace(machine, provider=reference) for machine in machines]


def _create_somewhere(incident: Incident, note: StepNote, plan: RecoveryPlan) -> Machine:
    """Try the targets in their order; whatever one's provider refuses, the next one is asked."""
    refusals: list[str] = []
    for target in plan.targets:
        provider = incident.estate.providers[target.provider]
        try:
            machine = _create(provider, _request(incident, plan, target))
        except (ProviderError, ConfigurationError) as error:
            # A token that ended or a size that is gone must not stop what another can still do.
            refusals.append(f"{target.provider} : {error.cause} ({error.hint})")
        else:
            note.why += " ; ".join(refusals)
            return replace(machine, provider=target.provider)
    raise OutOfStock(
        f"new machine for {plan.server}",
        "no target could make one: " + " ; ".join(refusals),
        "add another target to the server in the estate file, or run it again",
    )


def _create(provider: VpsProvider, request: MachineRequest) -> Machine:
    """Create a machine; a call that failed in passing may have made it, so look before the next."""
    try:
        return provider.create(request)
    except ContinuityError as error:
        if not error.transient:
            raise
        made = provider.find(request.tags)
        return made[0] if made else provider.create(request)


def _request(incident: Incident, plan: RecoveryPlan, target: TargetChoice) -> MachineRequest:
    drill = plan.purpose == "drill"
    lifetime = timedelta(hours=incident.estate.declared.drill.hours)
    return MachineRequest(
        name=f"{'drill' if drill else 'dr'}-{incident.id}",
        tags={
            "managed-by": "continuity",
            "purpose": str(plan.purpose),
            "incident": incident.id,
            "server": plan.server,
        },
        size=target.size,
        region=target.region,
        authorized_key=incident.estate.server.authorized_key(),
        host_key=new_host_key(),
        expires_at=now() + lifetime if drill else None,
        needs=target.needs,
    )
