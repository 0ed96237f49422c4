"""Decide from which recovery set a server comes back, over all its repositories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from blocks.types import RecoverySet
from flows.decisions.protection import CopyView
from flows.decisions.set_choice import SetChoice, choose_set


@dataclass(frozen=True, slots=True)
class CopyChoice:
    """The chosen set, where it lies, and why a repository is not used.

    Attributes:
        held: The set as each usable repository holds it, the one to read first in front; trees
            are the same everywhere, ids of snapshots are not.
        notes: What a person should know of the others (French).
    """

    choice: SetChoice
    held: tuple[tuple[str, RecoverySet], ...]
    notes: tuple[str, ...]


def choose_copy(
    server: str, copies: Sequence[CopyView], wanted: str = "", again: str = ""
) -> CopyChoice:
    """Choose the newest set that is whole in at least one repository, or the wanted one.

    Args:
        server: For messages.
        copies: The server's repositories in their order; at least one could be read.
        wanted: A set that the operator named.
        again: The command that a hint gives; default the recovery of the server.

    Raises:
        NotFound: No repository has a usable set, or one of the wanted name.
        DamagedData: The wanted set must not be used, wherever it is.
    """
    first: dict[str, RecoverySet] = {}
    for copy in copies:
        for each in copy.usable():
            first.setdefault(each.id, each)
    refused = {
        name: f"{copy.name} : {why}" if len(copies) > 1 else why
        for copy in reversed(copies)
        for name, why in copy.refused
        if name not in first
    }
    unusable = [each for copy in copies for each in copy.sets if each.id in refused]
    choice = choose_set(server, [*first.values(), *unusable], refused, wanted, again)
    held = [
        (copy.name, each)
        for copy in copies
        for each in copy.usable()
        if each.id == choice.chosen.id and _same_trees(each, choice.chosen)
    ]
    return CopyChoice(choice, tuple(held), _notes(copies, choice.chosen.id, held[0][0]))


def _same_trees(one: RecoverySet, other: RecoverySet) -> bool:
    return _trees(one) == _trees(other)


def _trees(of: RecoverySet) -> frozenset[tuple[str, str, str]]:
    return frozenset((ref.part, ref.subject, ref.tree) for ref in of.snapshots)


def _notes(copies: Sequence[CopyView], chosen: str, used: str) -> tuple[str, ...]:
    found = []
    for copy in copies:
        if copy.failed:
            found.append(f"dépôt {copy.name} inutilisable : {copy.failed}")
        elif chosen not in {each.id for each in copy.usable()}:
            why = dict(copy.refused).get(chosen, "le jeu n'y est pas")
            found.append(f"dépôt {copy.name} sans le jeu choisi : {why}")
    if copies and used != copies[0].name:
        found.append(f"restauration depuis le dépôt {used}")
    return tuple(found)
