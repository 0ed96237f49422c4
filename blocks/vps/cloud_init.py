"""The user data of a new machine: root's key, the host key to pin, and no lasting secret.

cloud-init keeps what it was given, and the provider shows it to whoever may ask, any program on the
machine included: so the host key in it is replaced right after the first login, and no key of a
storage or database is ever part of it.
"""

from __future__ import annotations

import json

from blocks.errors import ConfigurationError
from blocks.types import MachineRequest

LIMIT = 16 * 1024
"""Bytes that every provider takes: AWS has the smallest limit."""


def user_data(request: MachineRequest) -> str:
    """Return the cloud-config document; its values are written as JSON, which is YAML, too.

    Raises:
        ConfigurationError: It is larger than providers take.
    """
    lines = [
        "#cloud-config",
        f"hostname: {json.dumps(request.name)}",
        "preserve_hostname: false",
        # Root itself logs in; the image's own account is not made.
        "disable_root: false",
        "ssh_pwauth: false",
        f"users: {json.dumps([_root(request)])}",
        # The keys of the image go; the one that we know takes their place.
        "ssh_deletekeys: true",
        f"ssh_keys: {json.dumps(_host_keys(request))}",
        # Nothing may delay the recovery or hold apt's lock.
        "package_update: false",
        "package_upgrade: false",
        "apt: {preserve_sources_list: true}",
    ]
    text = "\n".join(lines) + "\n"
    if len(text.encode()) > LIMIT:
        raise ConfigurationError(
            f"user data of {request.name}",
            f"is larger than {LIMIT} bytes",
            "use a shorter SSH key: ed25519",
        )
    return text


def _root(request: MachineRequest) -> dict[str, object]:
    return {"name": "root", "lock_passwd": True, "ssh_authorized_keys": [request.authorized_key]}


def _host_keys(request: MachineRequest) -> dict[str, str]:
    key = request.host_key
    return {"ed25519_private": key.private, "ed25519_public": key.public}
