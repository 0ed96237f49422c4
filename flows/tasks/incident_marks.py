"""Gather what happened beside an incident's steps: alerts, messages to clients, the status page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from blocks.records import StepRecord
from blocks.repositories.messages import ClientMessages
from blocks.types.clients import BegunMessage
from flows.decisions.client_news import Phase
from flows.decisions.loss import answered
from flows.decisions.timeline import Mark
from flows.reports.client_page import page_text, sent_text
from flows.tasks.client_drafts import client_views
from flows.tasks.incident import Estate
from flows.tasks.losses import losses_of


def marks_of(estate: Estate, incident: str, records: Sequence[StepRecord]) -> list[Mark]:
    """Return them in the order in which they happened.

    Args:
        estate: Of the server.
        incident: The recovery.
        records: Its journal, at least one.
    """
    found = [*_alerts(estate, records), *_messages(estate, incident), *_page(records)]
    return sorted(found, key=lambda each: each.at)


def _alerts(estate: Estate, records: Sequence[StepRecord]) -> tuple[Mark, ...]:
    began = min(each.started_at for each in records)
    ended = max(each.ended_at or each.started_at for each in records)
    loss = answered(losses_of(estate), began, ended)
    return loss.events if loss else ()


def _messages(estate: Estate, incident: str) -> Iterator[Mark]:
    """Yield one a client and phase, without addresses: the report is shown to others."""
    box = ClientMessages(estate.state, incident)
    begun = box.begun()
    if not begun:
        return
    names = {(d.phase, a.lower()): d.client for d in box.drafts() for a in d.addresses}
    titles = {each.name: each.title for each in client_views(estate)}
    told: defaultdict[tuple[str, str], list[BegunMessage]] = defaultdict(list)
    for each in begun:
        told[each.phase, names.get((each.phase, each.address.lower()), "")].append(each)
    for (phase, name), messages in told.items():
        said = sent_text(titles.get(name, name), Phase(phase), [each.state for each in messages])
        yield Mark(min(each.at for each in messages), said)


def _page(records: Sequence[StepRecord]) -> Iterator[Mark]:
    """Yield one a step that brought the page further; an update's key begins with its phase."""
    told: set[str] = set()
    for each in records:
        keys = each.data.get("published")
        if new := [str(key) for key in keys if key not in told] if isinstance(keys, list) else []:
            told.update(new)
            phases = dict.fromkeys(Phase(key.partition(":")[0]) for key in new)
            yield Mark(each.ended_at or each.started_at, page_text(list(phases)))
