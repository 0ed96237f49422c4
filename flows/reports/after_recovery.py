"""What a person must type after a recovery, so that the new machine is protected (French)."""

from __future__ import annotations

from blocks.types import Machine
from flows.decisions.recovery_plan import Purpose, RecoveryPlan
from flows.decisions.verdict import Outcome, Verdict


def steps_after(
    outcome: Outcome,
    plan: RecoveryPlan,
    machine: Machine,
    declared: str,
    *,
    archive: bool,
    floating: str = "",
) -> tuple[str, ...]:
    """Return the steps in their order; none after a drill or when the estate knows the machine.

    Args:
        outcome: How the recovery ended.
        plan: What was done.
        machine: The machine that is the server now.
        declared: The server's address in the estate file.
        archive: Whether the server has a continuous archive.
        floating: The floating address that leads to the machine, "" if none does.
    """
    here = plan.purpose is not Purpose.DRILL and outcome.verdict is not Verdict.FAILED
    if not here or declared == machine.address:
        return ()
    name, partly = plan.server, outcome.verdict is Verdict.PARTLY
    first = f"d'abord terminer : `{plan.again}`"
    provider = machine.provider.rpartition("/")[2]
    further = " et l'archive continue ne fait suite à aucun jeu" if archive else ""
    sought = "refuse sa clé d'hôte" if floating else f"cherche `{declared}`"
    address = f"`address: {machine.address}` à la place de `{declared}`, "
    return (
        *([first] if partly else []),
        f"taper `continuity estate adopt {name}` : le fichier du parc nomme alors la nouvelle "
        f"machine (à la main : serveur `{name}`, {'' if floating else address}"
        f"sous `ssh` `host_key: {machine.host_key}`, et "
        f"`origin: {{provider: {provider}, machine: {machine.id}}}`)",
        "taper `continuity estate apply`",
        f"taper `continuity backup {name}` : jusque-là la nouvelle machine n'a aucun jeu, chaque "
        f"sauvegarde {sought}{further}",
        *([_retire(name)] if plan.purpose is Purpose.FAILBACK else []),
        *([_back(floating)] if floating else []),
    )


def _back(floating: str) -> str:
    return (
        f"{floating} mène à la nouvelle machine et reste l'adresse du serveur ; pour revenir en "
        "arrière, l'attribuer à l'ancienne machine dans la console de l'hébergeur"
    )


def _retire(name: str) -> str:
    return (
        f"quand tout est vérifié, taper `continuity retire {name}` : la machine d'avant, arrêtée, "
        "est encore payée"
    )
