"""How a notice looks in Slack: Block Kit, within Slack's limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from blocks.records import Notice

HEADER_LIMIT = 150
SECTION_LIMIT = 3000
SECTIONS = 48
"""Slack takes 50 blocks; one is the header, one may say that the rest was cut."""
FAILED = "ÉCHEC"
CUT = "… (la suite est dans le rapport)"


def fallback_text(notice: Notice) -> str:
    """Return the text of notifications; Slack parses it, so its special characters are escaped."""
    text = _headline(notice)
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, escaped)
    return text


def blocks(notice: Notice) -> list[dict[str, Any]]:
    """Return header and sections of a notice."""
    headline = _headline(notice)
    if len(headline) > HEADER_LIMIT:
        headline = f"{headline[: HEADER_LIMIT - 1]}…"
    header = {"type": "header", "text": {"type": "plain_text", "text": headline, "emoji": False}}
    parts = list(_parts(notice.body))
    if len(parts) > SECTIONS:
        parts = [*parts[:SECTIONS], CUT]
    return [header, *(_section(part) for part in parts)]


def _headline(notice: Notice) -> str:
    text = " ".join(notice.text.split())
    return f"{FAILED} — {text}" if notice.failed else text


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _parts(body: str) -> Iterator[str]:
    """Give the body in parts that fit into a section, cut between lines where that is possible."""
    part = ""
    for line in body.strip("\n").splitlines():
        for start in range(0, max(len(line), 1), SECTION_LIMIT):
            piece = line[start : start + SECTION_LIMIT]
            if part and len(part) + 1 + len(piece) > SECTION_LIMIT:
                yield part
                part = piece
            else:
                part = f"{part}\n{piece}" if part else piece
    if part.strip():
        yield part
