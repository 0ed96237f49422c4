"""Close a server that another one takes over, open it again, or lead its visitors on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files

from blocks.errors import CommandFailed, VerificationFailed
from blocks.servers.base import Server
from blocks.servers.services import ordered

PROGRAM = "/usr/local/lib/continuity/maintenance.sh"
UNDO = "/var/lib/continuity/maintenance/undo"
_SHORT = timedelta(seconds=60)
_STOP = timedelta(minutes=4)


def begin(server: Server, services: Sequence[str], page: str, reopen_after: timedelta) -> None:
    """Do what `Server.begin_maintenance` promises."""
    program = files("blocks.servers").joinpath("maintenance.sh").read_bytes()
    server.put(PROGRAM, program, mode=0o755)
    seconds = str(round(reopen_after.total_seconds()))
    # What a timer started works on the sites, too.
    names = ordered(services)
    jobs = [each.removesuffix(".timer") for each in names if each.endswith(".timer")]
    words = ("bash", PROGRAM, "close", seconds, *dict.fromkeys([*names, *jobs]))
    server.run(words, timeout=_STOP, stdin=page.encode())


def add_undo(server: Server, statement: str) -> None:
    """Do what `Server.add_undo` promises."""
    script = 'grep -qxF -- "$1" "$2" || printf "%s\\n" "$1" >>"$2"; sync "$2"'
    server.run(("sh", "-c", script, "add-undo", statement, UNDO), timeout=_SHORT)


def end(server: Server) -> None:
    """Do what `Server.end_maintenance` promises."""
    words = ("sh", "-c", f"[ ! -e {PROGRAM} ] || exec bash {PROGRAM} open")
    server.run(words, timeout=_STOP)


def keep(server: Server) -> None:
    """Do what `Server.keep_closed` promises."""
    try:
        server.run(("bash", PROGRAM, "keep"), timeout=_SHORT)
    except CommandFailed as failed:
        raise VerificationFailed(
            f"server {server.address}",
            f"did not stay closed: {failed.stderr or failed.cause}",
            "run it again: what was written meanwhile is then brought over",
        ) from failed


def lead_on(server: Server, address: str) -> None:
    """Do what `Server.lead_on` promises."""
    server.run(("bash", PROGRAM, "lead", address), timeout=_SHORT)
