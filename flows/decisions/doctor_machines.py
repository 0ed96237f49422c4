"""Decide whether a provider would give each server that names it a machine, and at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from blocks.errors import ContinuityError
from blocks.types import Access, ListedPrice, MachineSize, RecoverySet, Stock
from flows.decisions.doctor import Costing, Diagnosis, Thing, judged
from flows.decisions.drill_cost import Limits, cost_at, hour_of
from flows.decisions.machine_needs import needs_for, restored_size, why_none
from flows.decisions.readiness_machines import RoomView, stock_of, told_of
from flows.decisions.recovery_plan import TargetChoice
from flows.reports.drill_cost_text import cost_line

HOURS = 730
"""Hours of a month, as price lists count."""


@dataclass(frozen=True, slots=True)
class Use:
    """A target of a server at this provider.

    Attributes:
        server: Its name, "" for a provider that no server names.
        alone: Whether the server names no other target.
        listed: The target's price in the dated list, where the provider says none.
        limits: What the estate allows a drill, None where none is made.
    """

    server: str
    target: TargetChoice
    alone: bool = False
    listed: ListedPrice | None = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class UseSeen:
    """What the provider answered for one of its uses.

    Attributes:
        offered: Names of all sizes there, read if none of them serves.
        tried: Those that would be tried, in their order.
        made: The set whose data must fit, None if there is none.
        unread: Why it is not known whether there is one, "" if it is.
    """

    use: Use
    offered: tuple[str, ...]
    tried: tuple[MachineSize, ...]
    room: RoomView
    made: RecoverySet | None = None
    unread: str = ""


Uses = Sequence[UseSeen | tuple[Use, ContinuityError]]
"""Each use with what was answered, or with why nothing was."""


def judge_provider(
    thing: Thing,
    access: Access,
    uses: Uses,
    addresses: Mapping[str, ContinuityError | None] = MappingProxyType({}),
) -> Diagnosis:
    """Weigh who we are at a provider, and what it would give each server.

    Args:
        thing: The provider.
        access: What it told of us.
        uses: The targets that name it.
        addresses: Floating addresses that are said to be there; why one was not found.
    """
    may, missing, doubts = list(access.may), list(access.missing), list(access.unseen)
    costs: list[Costing] = []
    for each in uses:
        if isinstance(each, UseSeen):
            _weigh(each, may, missing, doubts)
            costs += _costs(each)
            continue
        use, error = each
        said = f"{_for(use)} : {error.cause}"
        (doubts if error.transient else missing).append(said)
    for address, lost in addresses.items():
        if lost is None:
            may.append(f"voir l'adresse flottante {address}")
        else:
            said = f"adresse flottante {address} : {lost.cause}"
            (doubts if lost.transient else missing).append(said)
    found = Access(access.who, tuple(may), tuple(missing), tuple(doubts))
    hints = [each.hint for each in addresses.values() if each]
    return judged(thing, found, hint=_hint(access, uses, hints), costs=costs)


def _hint(access: Access, uses: Uses, about_addresses: Sequence[str]) -> str:
    """Return what to do first: about our rights, an answer, a target, or to prove it."""
    if access.missing:
        return "refaire le jeton avec les droits que dit sa page de docs/fournisseurs/"
    for each in uses:
        if not isinstance(each, UseSeen):
            return each[1].hint
    if about_addresses:
        return about_addresses[0]
    if any(_lacks(each) for each in uses if isinstance(each, UseSeen)):
        return "servers: targets: une autre taille, région ou cible, dans le fichier du parc"
    used = [each.use for each in uses if isinstance(each, UseSeen) and each.use.server]
    if used:
        return f"un exercice le prouve : continuity drill {used[0].server}"
    return "servers: targets: la nommer pour un serveur, puis un exercice"


def _weigh(seen: UseSeen, may: list[str], missing: list[str], doubts: list[str]) -> None:
    use = seen.use
    if not seen.tried:
        needs = needs_for(use.target.needs, seen.made)
        said = why_none(use.target.size, seen.offered, needs, seen.made)
        (missing if use.server else doubts).append(f"{_for(use)} : {said}")
        return
    stock = stock_of(seen.room, seen.made)
    if stock is Stock.SOLD_OUT:
        said = f"{_for(use)} : {told_of(seen.room, seen.made)}"
        (missing if use.alone else doubts).append(said)
    elif stock is Stock.UNKNOWN:
        doubts.append(f"{_for(use)} : {seen.room.failed or seen.room.room.seen}")
    else:
        may.append(f"{_for(use)} : {seen.tried[0].name}")
    if use.server and seen.made is None:
        why = seen.unread or "aucun jeu encore"
        doubts.append(f"{use.server} : taille des données inconnue ({why})")


def _lacks(seen: UseSeen) -> bool:
    return not seen.tried or stock_of(seen.room, seen.made) is Stock.SOLD_OUT


def _for(use: Use) -> str:
    place = f" ({use.target.region})" if use.target.region else ""
    return f"machine pour {use.server}{place}" if use.server else f"machine{place}"


def _costs(seen: UseSeen) -> tuple[Costing, ...]:
    if not seen.tried:
        return ()
    use, first = seen.use, seen.tried[0]
    hour, currency, _, read_on = hour_of(first, use.listed)
    return (
        Costing(
            about=f"{use.server} : {first.name}" if use.server else first.name,
            hour=hour,
            month=None if hour is None else hour * Decimal(HOURS),
            currency=currency,
            read_on=read_on,
            drill=_drill(seen),
        ),
    )


def _drill(seen: UseSeen) -> str:
    """Return what a drill there costs at most (French); without a set nothing is read back."""
    use = seen.use
    if use.limits is None:
        return ""
    data = restored_size(seen.made) if seen.made else 0
    return cost_line(cost_at(use.target, seen.tried, use.listed, data, use.limits), use.limits)
