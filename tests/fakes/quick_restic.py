"""A real restic repository that opens at once: its key is derived from the password in one round.

restic makes a new key so that to try one password takes a good part of a second, at every command
again: most of what the suites of the repository took. Format: restic's design document, "Keys".
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

_NONCE, _TAG = 16, 16
_QUICK = {"N": 2, "r": 1, "p": 1}


@cache
def quick_repository(binary: str, password: str) -> Mapping[str, bytes]:
    """Return the objects of an empty repository, by their names in it."""
    with tempfile.TemporaryDirectory() as folder:
        secrets = {"RESTIC_PASSWORD": password, "RESTIC_REPOSITORY": folder}
        argv = [binary, "init", "--quiet", "--no-cache"]
        subprocess.run(argv, env=os.environ | secrets, check=True, timeout=60)
        (key,) = (Path(folder) / "keys").iterdir()
        quick = quick_key(key.read_bytes(), password)
        config = (Path(folder) / "config").read_bytes()
    return {"config": config, f"keys/{hashlib.sha256(quick).hexdigest()}": quick}


def quick_key(stored: bytes, password: str) -> bytes:
    """Return the same key, sealed with what takes one round to derive from the password."""
    key = json.loads(stored)
    secret = _opened(b64decode(key["data"]), _derived(password, key))
    key |= _QUICK
    key["data"] = b64encode(_sealed(secret, _derived(password, key))).decode()
    return json.dumps(key).encode()


def _derived(password: str, key: Mapping[str, Any]) -> bytes:
    """Return 32 bytes for AES, then 16 each for both halves of Poly1305-AES."""
    cost = {"n": key["N"], "r": key["r"], "p": key["p"]}
    salt = b64decode(key["salt"])
    return hashlib.scrypt(password.encode(), salt=salt, maxmem=2**28, dklen=64, **cost)


def _opened(sealed: bytes, derived: bytes) -> bytes:
    nonce, inside, tag = sealed[:_NONCE], sealed[_NONCE:-_TAG], sealed[-_TAG:]
    Poly1305.verify_tag(_one_time(derived, nonce), inside, tag)
    return _streamed(inside, derived, nonce)


def _sealed(secret: bytes, derived: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    inside = _streamed(secret, derived, nonce)
    return nonce + inside + Poly1305.generate_tag(_one_time(derived, nonce), inside)


def _streamed(text: bytes, derived: bytes, nonce: bytes) -> bytes:
    return Cipher(algorithms.AES(derived[:32]), modes.CTR(nonce)).encryptor().update(text)


def _one_time(derived: bytes, nonce: bytes) -> bytes:
    block = Cipher(algorithms.AES(derived[32:48]), modes.ECB())  # noqa: S305 - one block, a MAC
    return derived[48:] + block.encryptor().update(nonce)
