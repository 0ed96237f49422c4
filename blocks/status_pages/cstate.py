"""The files of a cState status page: YAML front matter, then paragraphs, newest first.

The fields are those of cState's own examples (`content/issues`): title, date, resolved,
resolvedWhen, severity, affected, section, informational. A paragraph's time is the shortcode
`track`. `continuity` holds the keys of the updates that we added; cState leaves it alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from blocks.types.clients import Severity, StatusIncident, StatusParagraph, StatusUpdate

FOLDER = "content/issues"
_FILE = re.compile(r"\A---\r?\n(.*?)^---[ \t]*\r?\n?(.*)\Z", re.DOTALL | re.MULTILINE)
_TRACK = re.compile(r"\s*\{\{<\s*track\s+\"([^\"]*)\"\s*>\}\}\s*\Z")
_HEADING = re.compile(r"\A\*+([^*\n]+)\*+\s*[-\u2013\u2014]\s*", re.DOTALL)
_OURS = "continuity"


def path_of(update: StatusUpdate) -> str:
    """Return where an incident's file lies: the same for all of its updates."""
    slug = re.sub(r"[^a-z0-9]+", "-", update.incident.lower()).strip("-")
    return f"{FOLDER}/{update.began_at.astimezone(UTC):%Y-%m-%d}-{slug}.md"


def with_update(text: str, update: StatusUpdate) -> str:
    """Return the file with the update in front, or as it is when it has it already.

    Raises:
        ValueError: The file is not one of cState's.
    """
    head, body = _parts(text) if text else ({}, "")
    keys = list(_listed(head.get(_OURS)))
    if update.key in keys:
        return text
    head.update(_head(update))
    head[_OURS] = [*keys, update.key]
    paragraph = f'*{update.heading}* - {update.text} {{{{< track "{_iso(update.at)}" >}}}}'
    return (
        f"---\n{_yaml(head)}---\n\n" + "\n\n".join(p for p in (paragraph, body.strip()) if p) + "\n"
    )


def read_incident(text: str) -> StatusIncident:
    """Return what a file says. Raises ValueError if it is none of cState's."""
    head, body = _parts(text)
    if not head.get("title") or "date" not in head:
        raise ValueError("title or date is missing")
    resolved = bool(head.get("resolved"))
    listed = _listed(head.get("affected"))
    return StatusIncident(
        title=str(head["title"]),
        began_at=_moment(head["date"]),
        severity=Severity(str(head.get("severity", Severity.NOTICE))),
        affected=listed,
        resolved_at=_moment(head["resolvedWhen"]) if head.get("resolvedWhen") else None,
        paragraphs=tuple(_paragraph(each) for each in re.split(r"\n\s*\n", body) if each.strip()),
        resolved=resolved,
    )


def _listed(value: object) -> tuple[str, ...]:
    """Read a list, or the one thing that a person wrote instead of it."""
    if value is None:
        return ()
    return tuple(str(each) for each in value) if isinstance(value, list) else (str(value),)


def _head(update: StatusUpdate) -> dict[str, object]:
    head: dict[str, object] = {
        "title": update.title,
        "date": _iso(update.began_at),
        "resolved": update.resolved_at is not None,
        "severity": str(update.severity),
        "affected": list(update.affected),
        "section": "issue",
        "informational": False,
    }
    if update.resolved_at is not None:
        head["resolvedWhen"] = _iso(update.resolved_at)
    return head


def _parts(text: str) -> tuple[dict[str, Any], str]:
    found = _FILE.match(text)
    if not found:
        raise ValueError("no front matter between two lines of ---")
    try:
        return dict(YAML(typ="safe").load(found[1])), found[2]
    except (YAMLError, TypeError) as error:
        raise ValueError("the front matter is not a mapping of YAML") from error


def _yaml(head: Mapping[str, object]) -> str:
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.allow_unicode, yaml.width = True, 10_000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # wrongly typed
    stream = StringIO()
    yaml.dump(dict(head), stream)
    return stream.getvalue()


def _paragraph(text: str) -> StatusParagraph:
    track = _TRACK.search(text)
    said = _TRACK.sub("", text).strip()
    heading = _HEADING.match(said)
    at = _track_moment(track[1]) if track else None
    return StatusParagraph(_HEADING.sub("", said), heading[1].strip() if heading else "", at)


def _track_moment(text: str) -> datetime | None:
    try:
        return _moment(text)
    except ValueError:
        return None


def _moment(value: object) -> datetime:
    """Read a time as YAML or text has it; without a zone it is UTC, as Hugo takes it."""
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, date):
        found = datetime.combine(value, time())
    else:
        found = datetime.fromisoformat(str(value))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
