"""What is written down of a machine of this host."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from blocks.errors import ConfigurationError, ProviderError


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """What is written down of a machine."""

    id: str
    address: str
    image: str
    tags: Mapping[str, str]
    host_key: str
    created_at: datetime
    expires_at: datetime | None = None


def to_json(record: MachineRecord) -> str:
    """Return the text of a record."""
    return json.dumps(asdict(record), indent=2, default=datetime.isoformat) + "\n"


def from_json(path: Path) -> MachineRecord:
    """Return the record in a file. Raises `ProviderError` if it cannot be read."""
    try:
        fields = json.loads(path.read_text())
        for name in ("created_at", "expires_at"):
            fields[name] = datetime.fromisoformat(fields[name]) if fields[name] else None
        return MachineRecord(**fields)
    except (ValueError, KeyError, TypeError) as damaged:
        raise ProviderError(
            f"machine {path.parent.name}", f"its record cannot be read: {damaged}", f"cat {path}"
        ) from damaged


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file so that it appears complete or not at all."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.chmod(mode)
    fresh.replace(path)


def check_name(name: str) -> None:
    """Raise `ConfigurationError` unless the name can be a host name and a folder."""
    if not re.fullmatch("[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?", name):
        raise ConfigurationError(
            f"machine name {name!r}",
            "is not made of at most 48 lower-case letters, digits and dashes",
            "choose another name",
        )
