"""Let a machine make its own SSH host key in the place of the one it was made with."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files

from blocks.errors import NotFound
from blocks.servers.base import Server
from blocks.types import CommandResult

_SHORT = timedelta(seconds=60)
_NEITHER = 44


def stage(server: Server) -> str:
    """Do what `Server.stage_host_key` promises."""
    return _run(server, "stage").stdout.decode().strip()


def install(server: Server, public: str) -> None:
    """Do what `Server.install_host_key` promises."""
    if _run(server, "install", public).status == _NEITHER:
        raise NotFound(
            f"host key {public} of server {server.address}",
            "is neither staged nor in place there",
            "if the machine was made anew, destroy it and run the recovery again",
        )


def _run(server: Server, *words: str) -> CommandResult:
    program = files("blocks.servers").joinpath("host_key.sh").read_text()
    command = ("bash", "-c", program, "host-key", *words)
    return server.run(command, timeout=_SHORT, accept=(0, _NEITHER))
