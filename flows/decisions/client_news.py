"""Decide which clients are told what of an incident, from its journal alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from blocks.records import StepRecord, StepState
from blocks.types import Tier
from blocks.types.clients import Language
from flows.decisions.aftermath import PROMISED
from flows.decisions.recovery_plan import Purpose

CLOSED_BY_HAND = "clients-close"
"""Step that an operator's closing leaves in the journal; its `why` is for the clients."""


NEVER = datetime.max.replace(tzinfo=UTC)


class Phase(StrEnum):
    """How far an incident is, as a client cares."""

    DETECTED = "detected"
    """A plan waits for approval."""
    RECOVERING = "recovering"
    """It was approved."""
    BACK = "back"
    """All of the client's sites were seen through DNS."""
    CLOSED = "closed"
    """They are back and the server is backed up again, or an operator closed the incident."""


@dataclass(frozen=True, slots=True)
class ClientSite:
    """A site of a client on the server of the incident."""

    name: str
    title: str
    domains: tuple[str, ...]
    tier: Tier


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client as the estate declares it, with the sites that the incident touches.

    Attributes:
        automatic: Whether the first message may go by itself.
        templates: Texts of this client's own, by phase.
    """

    name: str
    title: str
    language: Language
    addresses: tuple[str, ...]
    sites: tuple[ClientSite, ...]
    automatic: bool = False
    templates: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is proven of an incident.

    Attributes:
        since: When it began: as an operator said, else when we first looked.
        said: Whether an operator said so.
        back: When each site was first seen through DNS.
        data_as_of: The moment that the restored data shows; None if it was not proven.
        closed: Whether the incident is over for everybody.
        reason: What the operator who closed it wants clients to read.
    """

    incident: str
    since: datetime
    said: bool
    planned: bool
    approved: bool
    back: Mapping[str, datetime]
    data_as_of: datetime | None
    closed: bool
    reason: str = ""
    protected: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What one client can be told in one phase.

    Attributes:
        lost_from: What was written since then is missing; None if nothing is, or nobody knows.
        promised_by: When the sites must be back by contract; None once they are.
    """

    phase: Phase
    client: ClientView
    since: datetime
    said: bool
    back_at: datetime | None
    data_as_of: datetime | None
    lost_from: datetime | None
    promised_by: datetime | None
    reason: str
    protected: bool


def known(
    incident: str,
    records: Sequence[StepRecord],
    plan: Mapping[str, object] | None,
    report: Mapping[str, object] | None,
    protected_at: datetime | None,
) -> Known:
    """Put together what the journal proves; a drill proves nothing that concerns clients.

    Args:
        incident: Its id.
        records: Its journal, in order.
        plan: The document of its plan, if it has one.
        report: The document of its report, if it came to an outcome.
        protected_at: When the newest usable backup of the server was taken.
    """
    real = plan is not None and plan.get("purpose") == Purpose.RECOVERY
    done = [each for each in records if each.state is StepState.DONE]
    back = {
        each.step.removeprefix("visitors-"): each.ended_at or each.started_at
        for each in _newest(records)
        if each.step.startswith("visitors-") and each.state is StepState.DONE
    }
    closing = next((each for each in reversed(done) if each.step == CLOSED_BY_HAND), None)
    began = min((each.started_at for each in records), default=NEVER)
    given = str(report["down_since"]) if report and report.get("down_since") else ""
    protected = bool(back) and protected_at is not None and protected_at > max(back.values())
    return Known(
        incident=incident,
        since=min(began, datetime.fromisoformat(given)) if given else began,
        said=bool(given) and datetime.fromisoformat(given) < began,
        planned=real and any(each.step == "plan" for each in done),
        approved=real and any(each.step == "approve" for each in done),
        back=back if real else {},
        data_as_of=_data_as_of(done),
        closed=closing is not None,
        reason=closing.why if closing else "",
        protected=protected,
    )


def news(clients: Sequence[ClientView], facts: Known) -> tuple[News, ...]:
    """Return everything that clients can be told by now, by client, in the order of phases."""
    return tuple(
        _news(client, phase, facts)
        for client in clients
        if client.sites
        for phase in Phase
        if _reached(client, phase, facts)
    )


def newest(found: Sequence[News]) -> tuple[News, ...]:
    """Return what is worth telling now: for each client the last phase that was reached."""
    return tuple({each.client.name: each for each in found}.values())


def digest_of(drafts: Sequence[Mapping[str, object]]) -> str:
    """Return the digest of exactly these messages to exactly these recipients."""
    told = sorted(json.dumps(each, sort_keys=True, ensure_ascii=False) for each in drafts)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _reached(client: ClientView, phase: Phase, facts: Known) -> bool:
    all_back = all(site.name in facts.back for site in client.sites)
    match phase:
        case Phase.DETECTED:
            return facts.planned
        case Phase.RECOVERING:
            return facts.approved
        case Phase.BACK:
            return all_back
        case Phase.CLOSED:
            return facts.planned and (facts.closed or (all_back and facts.protected))


def _news(client: ClientView, phase: Phase, facts: Known) -> News:
    backs = [facts.back[site.name] for site in client.sites if site.name in facts.back]
    whole = len(backs) == len(client.sites) and phase in (Phase.BACK, Phase.CLOSED)
    as_of = facts.data_as_of if whole else None
    promised = facts.since + min(PROMISED[site.tier] for site in client.sites)
    return News(
        phase=phase,
        client=replace(client, templates=dict(client.templates or {})),
        since=facts.since,
        said=facts.said,
        back_at=max(backs) if whole else None,
        data_as_of=as_of,
        lost_from=as_of if as_of is not None and as_of < facts.since else None,
        promised_by=None if whole else promised,
        reason=facts.reason if phase is Phase.CLOSED else "",
        protected=facts.protected and phase is Phase.CLOSED,
    )


def _data_as_of(done: Sequence[StepRecord]) -> datetime | None:
    """Return the newest moment that the restored data itself shows."""
    proof = next((each for each in reversed(done) if each.step == "data"), None)
    if proof is None or not proof.data.get("data_as_of"):
        return None
    replayed = next((each for each in reversed(done) if each.step == "replay"), None)
    moments = [str(proof.data["data_as_of"])]
    moments += [str(replayed.data["at"])] if replayed and replayed.data.get("at") else []
    return max(datetime.fromisoformat(each) for each in moments)


def _newest(records: Sequence[StepRecord]) -> tuple[StepRecord, ...]:
    return tuple({each.step: each for each in records}.values())
