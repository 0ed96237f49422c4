"""Decide whether every key and every person that a recovery needs would answer today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    NotFound,
    PermissionDenied,
    UpdateRefused,
)
from blocks.types import CheckState, KeyRole, SelfTest
from flows.decisions.immutability import REQUIRED, judge
from flows.decisions.readiness import Check, State
from flows.decisions.verification_plan import NEXT_RUN
from flows.reports.wording import ago, counted

REFUSALS = (
    AuthenticationFailed,
    ConfigurationError,
    NotFound,
    PermissionDenied,
    UpdateRefused,
)
"""What the other side said no to: it will say so tomorrow too. Anything else is not known."""
ROLES = {KeyRole.WORKER: "travail", KeyRole.SERVER: "serveur", KeyRole.PRUNE: "ménage"}


def judge_refusal(about: str, error: ContinuityError) -> Check:
    """Return the check of something that could not be done: failed if refused, else unknown."""
    state = State.FAILED if isinstance(error, REFUSALS) else State.UNKNOWN
    return Check(about, state, f"{error.subject} : {error.cause}", error.hint)


def judge_keys(name: str, answers: Mapping[KeyRole, str | ContinuityError]) -> Check:
    """Say whether each key of a repository opens it; by role the key's id, or what was said."""
    about = f"clés du dépôt {name}"
    refused = {r: each for r, each in answers.items() if isinstance(each, ContinuityError)}
    if not refused:
        told = ", ".join(f"{ROLES[role]} ({each})" for role, each in answers.items())
        return Check(about, State.READY, f"acceptées : {told}")
    seen = " ; ".join(f"clé « {ROLES[role]} » : {each.cause}" for role, each in refused.items())
    state = State.UNKNOWN
    if any(isinstance(each, REFUSALS) for each in refused.values()):
        state = State.FAILED
    return Check(about, state, seen, next(iter(refused.values())).hint)


def judge_self_test(
    name: str, server: str, test: SelfTest | None, now: datetime, *, proven_elsewhere: bool
) -> Check:
    """Say when a repository's bucket was last tried out with every key, and what came of it.

    Args:
        name: The repository.
        server: Whose it is.
        test: The last one, None if there never was one.
        now: The time.
        proven_elsewhere: Whether another of the server's repositories is proven immutable.
    """
    about, hint = f"essai du dépôt {name}", f"continuity retention {server}"
    if test is None:
        return Check(about, State.UNKNOWN, "jamais fait", hint)
    found, age = judge(test, now), now - test.at
    seen = f"{ago(age)} : {found.sentence}"
    if found.proven is False:
        state = State.WARNING if proven_elsewhere else State.FAILED
        return Check(about, state, seen, "docs/immuabilite.md")
    if found.proven is None:
        return Check(about, State.UNKNOWN, seen, hint)
    broken = [each.evidence for each in test.results if _is_loose(each.state, each.check)]
    if broken:
        return Check(about, State.WARNING, f"{seen} ; {' ; '.join(broken)}", "docs/immuabilite.md")
    late = age > NEXT_RUN
    return Check(about, State.WARNING if late else State.READY, seen, hint if late else "")


def _is_loose(state: CheckState, check: object) -> bool:
    return state is CheckState.NOT_HELD and check not in REQUIRED


@dataclass(frozen=True, slots=True)
class ApprovalWay:
    """How a person's yes reaches a recovery in Prefect.

    Attributes:
        pools: Work pools of the recovery's deployments; empty if it has none.
        paused: Those of them that take no work.
        workers: Workers that gave a sign of life lately.
    """

    pools: tuple[str, ...]
    paused: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()


def judge_approval(way: ApprovalWay | None) -> Check:
    """Say whether an approved recovery would go on; None is a recovery without Prefect."""
    about = "accord"
    if way is None:
        return Check(about, State.READY, "demandé au terminal, sans Prefect")
    if not way.pools:
        seen = "la reprise n'est pas déployée dans Prefect"
        return Check(about, State.FAILED, seen, "continuity estate apply")
    pools = ", ".join(way.pools)
    if way.paused:
        seen = f"la file {', '.join(way.paused)} est en pause : un accord resterait sans effet"
        hint = f"prefect work-pool resume {way.paused[0]}"
        return Check(about, State.FAILED, seen, hint)
    if not way.workers:
        seen = f"aucun worker en vie pour {pools} : un accord resterait sans effet"
        return Check(about, State.FAILED, seen, f"prefect worker start --pool {way.pools[0]}")
    seen = f"{counted(len(way.workers), 'worker')} en vie pour {pools}"
    return Check(about, State.READY, seen)


def judge_account(provider: str, names: Sequence[str]) -> Check:
    """Say that a provider took our key; with the machines of ours that it named."""
    there = ", ".join(names) or "aucune machine à nous"
    return Check(f"compte {provider}", State.READY, f"clé acceptée ; {there}")
