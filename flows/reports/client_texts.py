"""What clients read, from the catalogue of their language or a text of their own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from blocks.errors import ConfigurationError
from blocks.types import Tier
from blocks.types.clients import Language
from flows.decisions.client_news import ClientSite, ClientView, News, Phase
from flows.reports import client_texts_en, client_texts_fr
from flows.reports.wording import PARIS

CATALOGUES: Mapping[Language, Mapping[Phase, str]] = {
    Language.FRENCH: client_texts_fr.MESSAGES,
    Language.ENGLISH: client_texts_en.MESSAGES,
}
NEXT_NEWS = {Phase.DETECTED: timedelta(hours=2), Phase.RECOVERING: timedelta(hours=4)}
"""How long after a message the next one comes at the latest."""
_MONTHS = {
    Language.FRENCH: ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
                      "septembre", "octobre", "novembre", "décembre"),
    Language.ENGLISH: ("January", "February", "March", "April", "May", "June", "July", "August",
                       "September", "October", "November", "December"),
}  # fmt: skip
_ENVIRONMENT = SandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
)


def message(news: News, agency: str, contact: str, status_url: str) -> tuple[str, str]:
    """Return subject and text of a client's message.

    Raises:
        ConfigurationError: The client's own text cannot be used; see `refused_template`.
    """
    own = (news.client.templates or {}).get(news.phase, "")
    text = own or CATALOGUES[news.client.language][news.phase]
    try:
        rendered = _ENVIRONMENT.from_string(text).render(
            _variables(news, agency, contact, status_url)
        )
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise ConfigurationError(
            f"client {news.client.name}, text {news.phase}",
            f"cannot be filled in: {error}",
            "correct it, then: continuity estate validate, continuity estate apply",
        ) from error
    subject, _, body = rendered.strip().partition("\n")
    return " ".join(subject.split()), _tidied(body)


def refused_template(client: ClientView, phase: Phase, text: str) -> str:
    """Return why a client's own text cannot be used, "" if it can, whatever will be known."""
    try:
        for each in _samples(client, phase, text):
            subject, body = message(
                each, "Agence", "contact@agence.example", "https://etat.example"
            )
            if not subject or not body.strip():
                return "wants a subject in its first line and a text below it"
    except ConfigurationError as error:
        return error.cause
    return ""


def when(at: datetime, language: Language) -> str:
    """Write a time as people in Paris say it, with the day."""
    there = at.astimezone(PARIS)
    day = _day(there, language)
    if language is Language.ENGLISH:
        return f"{day} at {there:%H:%M} (Paris time)"
    return f"{day} à {there.hour} h {there:%M} (heure de Paris)"


def lost_between(news: News) -> str:
    """Write what time is missing, to the second: a lost minute may be one of sixty seconds."""
    if news.lost_from is None:
        return ""
    language = news.client.language
    begin, end = news.lost_from.astimezone(PARIS), news.since.astimezone(PARIS)
    if begin.date() == end.date():
        day = _day(begin, language)
        if language is Language.ENGLISH:
            return f"on {day} between {begin:%H:%M:%S} and {end:%H:%M:%S} (Paris time)"
        return f"le {day} entre {_seconds(begin)} et {_seconds(end)} (heure de Paris)"
    if language is Language.ENGLISH:
        said = (f"{each:%H:%M:%S} on {_day(each, language)}" for each in (begin, end))
        return f"between {' and '.join(said)} (Paris time)"
    said = (f"le {_day(each, language)} à {_seconds(each)}" for each in (begin, end))
    return f"entre {' et '.join(said)} (heure de Paris)"


def _seconds(there: datetime) -> str:
    return f"{there.hour} h {there:%M} min {there:%S} s"


def _day(there: datetime, language: Language) -> str:
    first = language is Language.FRENCH and there.day == 1
    return f"{'1er' if first else there.day} {_MONTHS[language][there.month - 1]} {there.year}"


def variables() -> tuple[str, ...]:
    """Return the names that a text may use."""
    site = ClientSite("site", "Site", ("site.example",), Tier.HOURS_48)
    client = ClientView("client", "Client", Language.FRENCH, (), (site,))
    (full, *_) = _samples(client, Phase.BACK, "")
    return tuple(_variables(full, "", "", ""))


def _variables(news: News, agency: str, contact: str, status_url: str) -> dict[str, object]:
    language = news.client.language

    def said(at: datetime | None) -> str:
        return when(at, language) if at else ""

    following = NEXT_NEWS.get(news.phase)
    return {
        "agency": agency,
        "client": news.client.title,
        "contact": contact,
        "status_url": status_url,
        "sites": [site.title for site in news.client.sites],
        "domains": [domain for site in news.client.sites for domain in site.domains],
        "since": said(news.since),
        "since_is_exact": news.said,
        "back_at": said(news.back_at),
        "data_as_of": said(news.data_as_of),
        "lost_from": said(news.lost_from),
        "lost_between": lost_between(news),
        "promised_by": said(news.promised_by),
        "next_news_hours": int(following.total_seconds() // 3600) if following else 0,
        "protected": news.protected,
        "reason": news.reason,
    }


def _samples(client: ClientView, phase: Phase, text: str) -> list[News]:
    """Return news with all that can be known, with nothing of it, and what lies between."""
    at = datetime(2026, 3, 1, 2, 12, tzinfo=UTC)
    later = at + timedelta(minutes=9)
    own = ClientView(
        client.name, client.title, client.language, client.addresses, client.sites, False, {phase: text} if text else {}
    )  # fmt: skip
    full = News(phase, own, at, True, later, at, at, at, "Raison.", True)
    bare = News(phase, own, at, False, None, None, None, None, "", False)
    some = News(phase, own, at, False, later, later, None, None, "", False)
    return [full, bare, some]


def _tidied(body: str) -> str:
    """Leave at most one empty line between paragraphs: what a condition left out leaves a hole."""
    kept: list[str] = []
    for line in (each.rstrip() for each in body.strip("\n").split("\n")):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"
