"""Move a server that serves again and again while customers order; count what they lose.

    script/campaign failback [--rounds N] [--keep]

Each round: customers order, the server is backed up and moved as an operator would, the estate
adopts the new machine, and the machine before it is destroyed. So each round moves what the one
before has moved.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from blocks.repositories.journal import Journal
from deployments.lab import command_line, control, lab
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import Lab, current
from deployments.lab.visitor_log import Visit, acknowledged_orders, lost_orders, outages, read_log
from flows.reports.any_plan import read_plan
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import open_estate

SERVER = "web1"
MOST_SECONDS = 15.0
_SECONDS = 600.0
_QUIET = 5.0


@dataclass(frozen=True, slots=True)
class Move:
    """One move.

    Attributes:
        write_stop: Seconds from the first closed door to pages through the old address.
        closed: The longest time in seconds in which visitors of one site got no page.
        orders: Confirmed to customers before, while and after.
        lost: Of these, those that the new machine does not hold.
        seconds: The whole command, from approval to report.
    """

    write_stop: float
    closed: float
    orders: int
    lost: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether nothing was lost and the door was closed no longer than promised."""
        return not self.lost and self.write_stop <= MOST_SECONDS


def main(
    rounds: Annotated[int, typer.Option(help="How often the server moves.")] = 5,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero unless every move is good."""
    here, results = current(), list[Move]()
    lab.down(here)
    try:
        lab.up(here, lambda _: None)
        os.environ.update(control.environment(here))
        with control.prefect(here):
            for number in range(1, rounds + 1):
                results.append(_move(here, number))
                print(_line(number, results[-1]), flush=True)
                _write(results)
    finally:
        if not keep:
            lab.down(here)
    sys.exit(0 if results and all(each.good for each in results) else 1)


def _move(here: Lab, number: int) -> Move:
    log = here.logs / "campaign" / f"visitors-{number}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    _run(here, number, 0, "backup", SERVER)
    if number > 2:  # the first machine of all was made by nobody's recovery
        _approved(here, number, "retire", f"retire-{number}")
    visitors = _visitors(log)
    try:
        time.sleep(_QUIET)
        report, seconds = _approved(here, number, "failback", f"ret-{number}")
        time.sleep(_QUIET)
    finally:
        visitors.terminate()
        visitors.wait(timeout=20)
    _run(here, number, 0, "estate", "adopt", SERVER)
    _run(here, number, 0, "estate", "apply")
    visits = read_log(log.read_text())
    return _judge(report, visits, _orders(), seconds)


def _judge(
    report: dict[str, object], visits: tuple[Visit, ...], stored: set[str], seconds: float
) -> Move:
    closed = [each.duration or timedelta.max for each in outages(visits)]
    return Move(
        write_stop=float(str(report["rto_seconds"])),
        closed=max(closed, default=timedelta()).total_seconds(),
        orders=len(acknowledged_orders(visits)),
        lost=len(lost_orders(visits, stored)),
        seconds=round(seconds, 1),
    )


def _orders() -> set[str]:
    server = open_estate(SERVER).server
    words = ("mariadb", "--batch", "--skip-column-names")
    query = b"SELECT reference FROM boutique.orders"
    return set(server.run(words, stdin=query, timeout=timedelta(minutes=1)).stdout.decode().split())


def _approved(
    here: Lab, number: int, command: str, incident: str
) -> tuple[dict[str, object], float]:
    """Run a command that asks, quote the plan that it shows, and return its report."""
    words = (command, SERVER, "--incident", incident, "--operator", "campaign")
    _run(here, number, 4, *words)
    journal = Journal(open_estate(SERVER).state, incident)
    digest = read_plan(journal.document(PLAN) or {}).digest
    ended = _run(here, number, 0, *words, "--approve", digest)
    return dict(journal.document(REPORT) or {}), ended.seconds


def _run(here: Lab, number: int, status: int, *words: str) -> command_line.Ended:
    log = here.logs / "campaign" / f"{words[0]}-{number}.log"
    return command_line.run(here, *words, log=log, seconds=_SECONDS, status=status)


def _visitors(log: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "deployments.lab.visitors", "--log", str(log)]
    return subprocess.Popen([*argv, "--rate", "5", "--seconds", "900"], env=dict(os.environ))


def _line(number: int, move: Move) -> str:
    return (
        f"{'ok ' if move.good else 'BAD'} move {number:>2}: {move.orders} orders confirmed, "
        f"{move.lost} lost; writes stopped for {move.write_stop:.1f} s, a site closed for "
        f"{move.closed:.1f} s; {move.seconds:.0f} s in all"
    )


def _write(moves: list[Move]) -> None:
    document = {
        "moves": [asdict(each) | {"good": each.good} for each in moves],
        "summary": {
            "moves": len(moves),
            "orders": sum(each.orders for each in moves),
            "lost": sum(each.lost for each in moves),
            "longest_write_stop_seconds": max(each.write_stop for each in moves),
            "median_write_stop_seconds": median(each.write_stop for each in moves),
            "longest_closed_seconds": max(each.closed for each in moves),
            "good": all(each.good for each in moves),
        },
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "failback.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
