"""Decide whether a new machine can be had, and whether the sites' PHP would be on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from blocks.types import RecoverySet, Room, Stock
from flows.decisions.machine_needs import least_disk
from flows.decisions.other_release import PHP
from flows.decisions.readiness import Check, State
from flows.decisions.recovery_plan import TargetChoice

_PHP = re.compile(r"php(\d+\.\d+)(-.*)?")


@dataclass(frozen=True, slots=True)
class RoomView:
    """What one target has left; `failed` says why it could not be asked, "" if it could."""

    target: TargetChoice
    room: Room
    failed: str = ""


def judge_room(views: Sequence[RoomView], made: RecoverySet | None) -> Check:
    """Say whether a machine could be made now at one of the targets, the first one in front.

    Args:
        views: The targets in the order in which a recovery tries them.
        made: The set with the newest data, None without any: then disks are not compared.
    """
    about, hint = (
        "stock",
        "targets: un autre hébergeur ou une autre taille, dans le fichier du parc",
    )
    seen = " ; ".join(told_of(each, made) for each in views)
    states = [stock_of(each, made) for each in views]
    if states[:1] == [Stock.AVAILABLE]:
        return Check(about, State.READY, seen)
    if Stock.AVAILABLE in states:
        return Check(about, State.WARNING, f"{seen} : la reprise ira plus loin dans la liste", hint)
    if any(each.failed for each in views):
        return Check(about, State.UNKNOWN, seen, "voir les lignes « compte »")
    if Stock.UNKNOWN in states:
        return Check(about, State.WARNING, seen, "l'exercice, seul, le prouve")
    return Check(about, State.FAILED, seen or "aucune machine déclarée", hint)


def stock_of(view: RoomView, made: RecoverySet | None) -> Stock:
    """Say whether one more machine can be had there that a set's data would fit on."""
    too_small = view.room.disk is not None and view.room.disk < least_disk(made)
    return Stock.SOLD_OUT if too_small else view.room.stock


def told_of(view: RoomView, made: RecoverySet | None) -> str:
    """Say what a target has left, by its name (French)."""
    name = " ".join(part for part in (view.target.provider, view.target.size) if part)
    if view.failed:
        return f"{name} : {view.failed}"
    words = {
        Stock.AVAILABLE: view.room.seen,
        Stock.SOLD_OUT: f"plus de place ({view.room.seen})",
        Stock.UNKNOWN: view.room.seen,
    }
    return f"{name} : {words[stock_of(view, made)]}"


def judge_php(target: TargetChoice, made: RecoverySet) -> Check:
    """Say whether the PHP of the sites in a set would be installed on a machine of this target.

    A machine of the same release gets the same packages, and its own sources of packages: a PHP
    that came from another source than Debian's is not there.
    """
    about, lost = f"PHP {target.provider}", made.server_facts
    used = sorted({match[1] for name in (*lost.packages, *lost.services) if (match := _php(name))})
    if not used:
        return Check(about, State.READY, "aucun PHP sur le serveur")
    said, theirs = ", ".join(used), PHP.get(target.release, "")
    if not theirs:
        seen = f"{said} ici ; celui de la machine ne se saura qu'une fois faite"
        return Check(about, State.WARNING, seen, f"continuity drill {made.server}")
    if used == [theirs]:
        return Check(about, State.READY, f"{said} ici et sur Debian {target.release}")
    seen = f"{said} ici, {theirs} sur Debian {target.release}"
    if target.release == lost.release:
        seen += " : les autres viennent d'une source apt que la machine n'aura pas"
        return Check(about, State.FAILED, seen, f"passer les sites à PHP {theirs}")
    return Check(about, State.WARNING, f"{seen} : sites à vérifier", _drill(made, target))


def _php(name: str) -> re.Match[str] | None:
    return _PHP.fullmatch(name.removeprefix("libapache2-mod-"))


def _drill(made: RecoverySet, target: TargetChoice) -> str:
    return f"continuity drill {made.server} --target {target.provider}"
