"""Read the body of a monitor's message strictly. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import parse_qsl, urlsplit

from blocks.errors import MessageRefused

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_MOST_FIELDS = 60
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")


def fields_of(sender: str, content_type: str, body: bytes) -> Mapping[str, Any]:
    """Return the fields of a JSON object or a form. Raises `MessageRefused`."""
    try:
        text = body.decode("utf-8")
        if content_type == JSON:
            found = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        elif content_type == FORM:
            pairs = parse_qsl(
                text, keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST_FIELDS
            )
            found = _unique(pairs)
        else:
            refuse(sender, "is neither JSON nor a form", "choose « Send as JSON »")
    except (ValueError, RecursionError) as error:
        refuse(
            sender, f"cannot be read ({type(error).__name__})", "send one of the documented bodies"
        )
    if not isinstance(found, dict):
        refuse(sender, "is not a JSON object", "send one of the documented bodies")
    return found


def text_of(sender: str, fields: Mapping[str, Any], name: str) -> str:
    """Return a field as text. Raises `MessageRefused` if it is missing, empty or a structure."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        refuse(sender, f"has no {name}", f"add {name} to what the monitor sends")
    return str(value).strip()


def host_of(sender: str, text: str) -> str:
    """Return the host of a URL, or the text itself if it is a bare host; lower case."""
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        host = ""
    if not _HOST.fullmatch(host):
        refuse(sender, "names no host", "let the monitor watch a page by its host name")
    return host.rstrip(".")


def time_of(sender: str, seconds: str) -> datetime:
    """Return the time of a Unix time stamp. Raises `MessageRefused`."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        refuse(sender, "has a time that is none", "send the event's time as the monitor has it")


def refuse(sender: str, cause: str, hint: str) -> NoReturn:
    """Raise `MessageRefused`."""
    raise MessageRefused(f"message of {sender}", cause, hint)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is given twice")
    return found
