"""What the public status page says in each phase."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from blocks.types.clients import Language, Severity, StatusUpdate
from flows.decisions.client_news import ClientSite, Known, News, Phase
from flows.reports import client_texts_en, client_texts_fr

_TEXTS = {
    Language.FRENCH: (client_texts_fr.STATUS_TITLE, client_texts_fr.STATUS),
    Language.ENGLISH: (client_texts_en.STATUS_TITLE, client_texts_en.STATUS),
}


def status_update(
    phase: Phase, facts: Known, reached: Sequence[News], language: Language, at: datetime
) -> StatusUpdate:
    """Return the paragraph of a phase; `reached` is everything that clients can be told.

    Sites that come back later make another paragraph: the key names those that are back.
    """
    title, texts = _TEXTS[language]
    heading, text = texts[phase]
    sites = _sites(reached)
    back = [each for each in sites if each.name in facts.back]
    over = phase is Phase.CLOSED and _all_closed(reached)
    names = "+".join(each.name for each in back) if phase is Phase.BACK else ""
    return StatusUpdate(
        incident=facts.incident,
        key=f"{phase}:{names}" if names else str(phase),
        title=title,
        began_at=facts.since,
        severity=_severity(phase, len(back), len(sites)),
        affected=tuple(each.title for each in sites),
        resolved_at=at if over else None,
        heading=heading,
        text=text.format(sites=", ".join(each.title for each in back)),
        at=at,
    )


def _sites(reached: Sequence[News]) -> list[ClientSite]:
    return list({site.name: site for each in reached for site in each.client.sites}.values())


def _all_closed(reached: Sequence[News]) -> bool:
    clients = {each.client.name for each in reached}
    return clients == {each.client.name for each in reached if each.phase is Phase.CLOSED}


def _severity(phase: Phase, back: int, sites: int) -> Severity:
    if phase is Phase.BACK:
        return Severity.NOTICE if back == sites else Severity.DISRUPTED
    return Severity.DOWN
