"""Read what a monitor's API says of one monitor, without its secrets. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from blocks.errors import ProviderError


def listed(service: str, answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list that an answer must hold. Raises `ProviderError`."""
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        hint = "compare api_url with the service's page: is it this version of the API?"
        raise ProviderError(service, f"answers without a list of {name}", hint)
    return found


def identity(service: str, item: Mapping[str, Any]) -> str:
    """Return a monitor's id, which every answer must hold. Raises `ProviderError`."""
    found = item.get("id")
    if isinstance(found, bool) or not isinstance(found, int | str) or not str(found):
        hint = "compare api_url with the service's page: is it this version of the API?"
        raise ProviderError(service, "lists a monitor without id", hint)
    return str(found)


def text(item: Mapping[str, Any], name: str) -> str:
    """Return a field that is text, "" otherwise."""
    found = item.get(name)
    return found.strip() if isinstance(found, str) else ""


def moment(item: Mapping[str, Any], name: str) -> datetime | None:
    """Return the time of a Unix time stamp, None if there is none; 0 is none."""
    found = _number(item.get(name))
    try:
        return datetime.fromtimestamp(found, UTC) if found else None
    except (OverflowError, OSError, ValueError):
        return None


def span(item: Mapping[str, Any], name: str, unit: timedelta) -> timedelta | None:
    """Return a length of time given in this unit, None if there is none."""
    found = _number(item.get(name))
    try:
        return None if found is None else found * unit
    except OverflowError:
        return None


def host_of(address: str) -> str:
    """Return the host of a URL or of a bare address, lower case; "" if it names none."""
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        return (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


def page_of(address: str) -> str:
    """Return a URL without user, password and query, which may be secrets; "" if it is no URL."""
    try:
        parts = urlsplit(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, "", ""))


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return value
