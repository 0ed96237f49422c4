"""Numbered rows and files, written without a pause, and what was acknowledged of them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from blocks.servers.base import Server
from deployments.lab.config import Lab

FOLDER = "/srv/boutique/numbers"
_SHORT = timedelta(seconds=60)
_BEGIN = f"""
mkdir -p {FOLDER}
mariadb -e "CREATE OR REPLACE TABLE boutique.numbers (n int PRIMARY KEY, at datetime(6))"
"""
# A line is printed when row and file are there: what the world was told.
_LOOP = f"""
n=0
while :; do
  n=$((n + 1)); at=$(date -u '+%F %T.%6N')
  mariadb -e "INSERT INTO boutique.numbers VALUES ($n, '$at')" &&
    echo "$at" >{FOLDER}/$n && echo "$n $at"
done
"""  # noqa: S608 - fixed text


@dataclass(frozen=True, slots=True)
class Number:
    """One number and when it was written."""

    n: int
    at: datetime


@contextmanager
def writing(here: Lab, server: Server, log: Path) -> Iterator[None]:
    """Write on a server, from outside, until the block ends or the server dies."""
    server.run(("bash", "-ec", _BEGIN), timeout=_SHORT)
    log.parent.mkdir(parents=True, exist_ok=True)
    words = [
        *("ssh", "-i", str(here.secrets / "ssh-key"), "-o", "StrictHostKeyChecking=no"),
        *("-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
        *("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2"),
        *(f"root@{server.address}", _LOOP),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output)
    try:
        yield
    finally:
        process.kill()
        process.wait(timeout=20)


def acknowledged(log: Path) -> list[Number]:
    """Return the numbers that the log of `writing` holds whole lines of."""
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [_number(*line.split(maxsplit=1)) for line in lines]


def rows(server: Server) -> list[Number]:
    """Return the numbers in the table of a server."""
    words = ("mariadb", "-BNe", "SELECT n, at FROM boutique.numbers ORDER BY n")
    said = server.run(words, timeout=_SHORT).stdout.decode()
    return [_number(*line.split("\t")) for line in said.splitlines()]


def files(server: Server) -> set[int]:
    """Return the numbers that have a file on a server, written to its end."""
    script = f"find {FOLDER} -type f -size +0 -printf '%f\\n'"
    said = server.run(("sh", "-c", script), timeout=_SHORT).stdout.decode()
    return {int(each) for each in said.split()}


def _number(n: str, at: str) -> Number:
    return Number(int(n), datetime.fromisoformat(at.strip()).replace(tzinfo=UTC))
