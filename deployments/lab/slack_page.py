"""The lab's Slack as people see it: one channel as HTML, in French, times of Paris."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from deployments.lab import slack_markup
from deployments.lab.slack_channels import Channels, Message

_PARIS = ZoneInfo("Europe/Paris")
_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
    *("septembre", "octobre", "novembre", "décembre"),
)
TOPICS = {
    "continuite": "Sauvegardes, exercices et reprises d'activité",
    "incidents": "Incidents en cours : un message par incident, le détail dans son fil",
    "general": "Toute l'agence",
}


def page(channels: Channels, name: str) -> str:
    """Return the whole page of a channel; it fetches the messages again every second by itself."""
    return _templates.get_template("page.html").render(
        names=channels.names,
        current=name,
        topic=TOPICS.get(name, ""),
        content=Markup(messages(channels, name)),  # noqa: S704 - rendered below, with escaping
    )


def messages(channels: Channels, name: str) -> str:
    """Return a channel's messages with their threads."""
    roots = channels.roots(channels.find(name))
    items = [(root, channels.replies(root)) for root in roots]
    return _templates.get_template("messages.html").render(items=items, name=name)


def _moment(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC).astimezone(_PARIS)


def _clock(ts: str) -> str:
    return f"{_moment(ts):%H:%M}"


def _day(ts: str) -> date:
    return _moment(ts).date()


def _day_name(day: date) -> str:
    number = "1er" if day.day == 1 else str(day.day)
    return f"{_DAYS[day.weekday()]} {number} {_MONTHS[day.month - 1]}"


def _body(message: Message) -> Markup:
    if message.blocks:
        return Markup(slack_markup.blocks(message.blocks))  # noqa: S704 - it escapes all text
    return Markup(slack_markup.mrkdwn(message.text))  # noqa: S704 - it escapes all text


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "slack_templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"clock": _clock, "day": _day, "day_name": _day_name, "body": _body}
    environment.filters["emoji"] = lambda name: Markup(slack_markup.emoji(name))  # noqa: S704
    return environment


_templates = _environment()
