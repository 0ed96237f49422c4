"""Seal small documents with a key that only the repository's password gives. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"omniweb-continuity manifest seal v1"


def derive_key(password: str) -> bytes:
    """Return the sealing key that belongs to a repository's password."""
    return HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(password.encode())


def seal(key: bytes, document: object) -> str:
    """Return the seal of a JSON document, whatever the order and spacing of its text."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key, canonical.encode(), hashlib.sha256).hexdigest()


def is_sealed(key: bytes, document: object, given: str) -> bool:
    """Return whether the seal belongs to the document, in constant time."""
    return hmac.compare_digest(seal(key, document), given)
