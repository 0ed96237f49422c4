"""What a machine of ours carries at its provider, in words that every provider takes. Pure."""

from __future__ import annotations

from base64 import b32decode, b32encode, b64decode, b64encode
from binascii import Error
from collections.abc import Mapping
from datetime import UTC, datetime

from blocks.types import MachineRequest

OURS = ("managed-by", "continuity")
"""The label that tells our machines from all others."""
NAME, KEY, EXPIRES = "machine", "host-key", "expires"
_PREFIX = bytes.fromhex("0000000b7373682d6564323535313900000020")
"""How an ed25519 public key begins on the wire (RFC 8709); 32 bytes follow."""


def labels_of(request: MachineRequest) -> dict[str, str]:
    """Return the request's tags with its name, public host key and expiry.

    Each value has at most 63 of a-z, 0-9, "-", "." and "_", and begins and ends with a letter or
    figure, if the tags do: so Hetzner takes it as a label and DigitalOcean as a tag.
    """
    labels = {**request.tags, NAME: request.name, KEY: _short(request.host_key.public)}
    if request.expires_at:
        labels[EXPIRES] = str(int(request.expires_at.timestamp()))
    return labels


def tags_in(labels: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that the machine was asked for with."""
    return {name: value for name, value in labels.items() if name not in (NAME, KEY, EXPIRES)}


def host_key_in(labels: Mapping[str, str]) -> str:
    """Return the public host key; "" if there is none to be read: then nobody logs in there."""
    try:
        raw = b32decode(labels.get(KEY, "").upper() + "====")
    except Error:
        return ""
    return _long(raw) if len(raw) == 32 else ""


def expiry_in(labels: Mapping[str, str]) -> datetime | None:
    """Return when the machine may be destroyed, to the second; None for one that stays."""
    text = labels.get(EXPIRES, "")
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else None


def _short(public: str) -> str:
    return b32encode(_raw(public)).decode().rstrip("=").lower()


def _raw(public: str) -> bytes:

    return b64decode(public.split()[1])[len(_PREFIX) :]


def _long(raw: bytes) -> str:

    return f"ssh-ed25519 {b64encode(_PREFIX + raw).decode()}"
