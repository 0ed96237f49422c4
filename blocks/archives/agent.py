"""What is put on a server to ship its changes: program, settings, service. Pure text."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files

from blocks.types import LogSource, ShippedSite

HOME = "/var/lib/continuity/archive"
WORK = "/run/archive-agent"
PROGRAM = "/usr/local/lib/continuity/archive"
SERVICE = "archive-agent"
"""No name of ours (`continuity-*`): those are jobs, and stopped when a run begins anew."""
UNIT_FILE = f"/usr/local/lib/systemd/system/{SERVICE}.service"
"""Not below /etc: there a fence could not mask it."""
SETTINGS = f"{HOME}/settings"
RESCAN = f"{HOME}/rescan"
PACKAGES = ("age", "zstd", "curl", "tar")

# Low in everything: the sites come first. Without settings, as on a machine that was rebuilt from
# the configuration of this one, it does not start.
UNIT = f"""\
[Unit]
Description=Ship binary logs and changed files of this server
Documentation=man:mariadbd(8)
ConditionPathExists={SETTINGS}
After=network-online.target mariadb.service
Wants=network-online.target

[Service]
ExecStart={PROGRAM} ship
StateDirectory=continuity/archive
StateDirectoryMode=0700
RuntimeDirectory={SERVICE}
RuntimeDirectoryMode=0700
Restart=always
RestartSec=5
Nice=10
IOSchedulingClass=idle
CPUWeight=20
MemoryMax=512M
TasksMax=64

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the objects go and with which key; that key may add and nothing else."""

    url: str
    """Up to and with the slash behind the server's name."""
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    recipient: str
    authority: bytes = b""
    """Certificate of the authority behind the address (PEM); empty for those of Debian."""

    @property
    def name(self) -> str:
        """Name of what the agent remembers of this bucket: of another one it remembers nothing."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:12]

    @property
    def ca_file(self) -> str:
        """Return where the authority's certificate lies on a server, "" for none."""
        return f"{HOME}/ca-{self.name}.pem" if self.authority else ""


def program() -> bytes:
    """Return the agent itself."""
    return files("blocks.archives").joinpath("agent.sh").read_bytes()


def settings(
    to: Sequence[Destination],
    logs: LogSource | None,
    sites: Sequence[ShippedSite],
    interval: timedelta,
) -> str:
    """Return the agent's settings, words of a shell; they hold secrets."""
    lines = [
        _array("PLACE", [each.name for each in to]),
        _array("URL", [each.url for each in to]),
        _array("REGION", [each.region for each in to]),
        _array("ACCESS_KEY", [each.access_key for each in to]),
        _array("SECRET_KEY", [each.secret_key for each in to]),
        _array("RECIPIENT", [each.recipient for each in to]),
        _array("CA", [each.ca_file for each in to]),
        _assign("INTERVAL", str(round(interval.total_seconds()))),
        _assign("INDEX", logs.index if logs else ""),
        _array("CLIENT", logs.arguments if logs else ()),
        _assign("TABLE", logs.table if logs else ""),
        _array("SITES", [site.name for site in sites]),
    ]
    for number, site in enumerate(sites):
        lines += [
            _array(f"ROOTS_{number}", site.roots),
            _array(f"EXCEPT_{number}", _except(site.exclude)),
        ]
    secrets = logs.secrets if logs else {}
    lines += [f"export {name}={shlex.quote(value)}" for name, value in sorted(secrets.items())]
    return "\n".join(lines) + "\n"


def _except(patterns: Sequence[str]) -> list[str]:
    """Return words for `find` that leave out what a backup leaves out.

    A pattern that `find` reads in another way keeps more than the backup does, never less.
    """
    words: list[str] = []
    for pattern in patterns:
        if pattern.startswith("!") or "**" in pattern:
            continue
        if pattern.startswith("/"):
            words += ["-not", "(", "-path", pattern, "-prune", ")"]
        elif "/" not in pattern:
            words += ["-not", "(", "-name", pattern, "-prune", ")"]
    return words


def _assign(name: str, value: str) -> str:
    return f"{name}={shlex.quote(value)}"


def _array(name: str, values: Sequence[str]) -> str:
    return f"{name}=({' '.join(shlex.quote(value) for value in values)})"
