"""What the archive and a backup cost a database that is busy: paired runs of one write benchmark.

    script/campaign overhead [--pairs N] [--passes N] [--processors N] [--keep]

sysbench writes on web1 as fast as it can; the object storages and all else of the lab have only
what web1 leaves of the processors (`--processors 1`: web1 has one, they have the others).

Pairs: two runs after each other, in turns with the archive's agent first or last; a pair of twice
the same tells how noisy the machine is. Passes: one long run with the agent; each pass is weighed
against the seconds of the same pass in which the agent rests, which is much sharper, as what is
compared lies seconds apart; then one with its uploads alone, as the lab's storages work on the
server's processors and disk. Then runs while a backup is taken.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer

from blocks.archives.agent import SERVICE
from blocks.archives.s3_archive import S3Archive
from blocks.errors import ConfigurationError, DamagedData
from blocks.servers.base import Server
from blocks.vps.nspawn_group import TOP, hierarchies
from deployments.lab import command_line, control, lab, overhead_passes, processes, production
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import Lab, current
from deployments.lab.overhead_passes import SERVER
from deployments.lab.overhead_weigh import Pair, Ratio, apart, together
from deployments.lab.pit_restore import wait_until_archived
from flows.backup import backup
from flows.tasks.incident import Estate, open_estate

MOST_LOST = 0.03
_SHORT = timedelta(seconds=60)
_LONG = timedelta(minutes=10)
_CATCH_UP_SECONDS = 300.0
_SETTLE_SECONDS = 10.0
_RUN_SECONDS = 20
_BENCH = (
    "sysbench oltp_write_only --mysql-socket=/run/mysqld/mysqld.sock --mysql-user=root "
    "--mysql-db=bench --tables=4 --table-size=50000 --threads=4 --report-interval=1"
)


def main(
    pairs: Annotated[int, typer.Option(min=3, max=10, help="Pairs of each kind.")] = 3,
    passes: Annotated[int, typer.Option(min=4, help="Passes of the agent in a long run.")] = 20,
    processors: Annotated[int, typer.Option(min=1, help="Processors of web1.")] = 2,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero if the archive costs more than 3 %."""
    here = current()
    lab.up(here)
    try:
        with control.prefect(here):
            server, estate = production.connect(here), open_estate(SERVER)
            backup(SERVER)  # starts the archive's agent
            _prepare(server)
            _set_apart(here, processors)
            same = together(_pairs(server, None, pairs))
            print(f"twice without the archive: {same.sentence}", flush=True)
            archive = together(_pairs(server, estate, pairs))
            print(f"with the archive: {archive.sentence}", flush=True)
            long, alone = _passes(here, server, estate, passes)
            print(f"its passes against its rests: {long.sentence}", flush=True)
            print(f"the same uploads from outside: {alone.sentence}", flush=True)
            left = apart(long, alone)
            print(f"the archive without what storages cost: {left.sentence}", flush=True)
            busy = [_during_backup(here, server, number) for number in range(3)]
    finally:
        if not keep:
            lab.down(here)
    good = left.mean >= 1 - MOST_LOST
    document = {
        "processors": processors,
        "noise": asdict(same),
        "archive": asdict(archive),
        "passes": asdict(long),
        "storages": asdict(alone),
        "without_storages": asdict(left),
        "backup": busy,
        "summary": {
            "archive_costs": round(1 - left.mean, 4),
            "archive_costs_at_most": round(1 - left.low, 4),
            "with_the_labs_storages": round(1 - long.mean, 4),
            "agent_takes": long.taken,
            "outside_sender_takes": alone.taken,
            "backup_leaves": round(mean(each["ratio"] for each in busy), 3),
            "good": good,
        },
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "overhead.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(document["summary"]))
    sys.exit(0 if good else 1)


def _prepare(server: Server) -> None:
    server.install_packages(("sysbench",), timeout=_LONG)
    server.run(("mariadb", "-e", "CREATE DATABASE IF NOT EXISTS bench"), timeout=_SHORT)
    server.run(("sh", "-c", f"{_BENCH} prepare"), timeout=_LONG)
    _throughput(server, 30)


def _set_apart(here: Lab, server_processors: int) -> None:
    """Keep the object storages and all else of the lab from being a load of web1.

    With one processor for web1, the rest has the others. With all of them for web1, the rest has
    what web1 leaves.

    Raises:
        ConfigurationError: There are not so many processors.
    """
    there = sorted(os.sched_getaffinity(0))
    if len(there) < 2 or server_processors not in (1, len(there)):
        raise ConfigurationError(
            f"{server_processors} processors for {SERVER}",
            f"this machine has {len(there)}",
            "choose 1, or all of at least two",
        )
    group = hierarchies()[0] / TOP / here.namespace
    mine = _in_group(group / SERVER)
    rest = {*_in_group(group), *processes.marked(here)} - mine
    for thread in _threads(mine):
        with suppress(ProcessLookupError):
            os.sched_setaffinity(thread, there[:server_processors])
    for thread in _threads(rest):
        with suppress(ProcessLookupError):
            if server_processors == 1:
                os.sched_setaffinity(thread, there[1:])
            else:
                os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))


def _threads(found: set[int]) -> list[int]:
    return [int(each.name) for p in found for each in Path(f"/proc/{p}/task").glob("*")]


def _in_group(group: Path) -> set[int]:
    return {int(word) for each in group.rglob("cgroup.procs") for word in each.read_text().split()}


def _pairs(server: Server, estate: Estate | None, pairs: int) -> list[Pair]:
    """Run pairs; every other one runs the other way round.

    Without an estate the agent rests in both. With one, each run begins when the archive holds all
    that was written before: it ships this run's writing, not the other's.
    """
    found = []
    for number in range(pairs):
        rates, spent = {}, 0.0
        for second in (False, True) if number % 2 == 0 else (True, False):
            if estate is not None:
                _agent(server, "start")
                wait_until_archived(estate, datetime.now(UTC), _CATCH_UP_SECONDS)
            if estate is None or not second:
                _agent(server, "stop")
            _settle()
            before = _agent_seconds(server)
            rates[second] = _throughput(server, _RUN_SECONDS)
            if second:
                spent = (_agent_seconds(server) - before) / _RUN_SECONDS
        found.append(Pair(rates[False], rates[True], round(spent, 4)))
        print(f"  {found[-1].ratio:.3f} of {rates[False]:.0f} a second", flush=True)
    _agent(server, "start")
    return found


def _settle() -> None:
    """Let the storages of the lab finish what the catching up left them to write.

    They share their disk with the server, which real ones do not.
    """
    os.sync()
    time.sleep(_SETTLE_SECONDS)


def _agent_seconds(server: Server) -> float:
    """Return the processor time of the agent since it was started, 0 if it rests."""
    words = ("systemctl", "show", "--value", "--property=CPUUsageNSec", SERVICE)
    said = server.run(words, timeout=_SHORT).stdout.decode().strip()
    return int(said) / 1e9 if said.isdigit() and int(said) < 2**63 else 0.0


def _agent(server: Server, verb: str) -> None:
    server.run(("systemctl", verb, SERVICE), timeout=_SHORT)


def _passes(here: Lab, server: Server, estate: Estate, count: int) -> tuple[Ratio, Ratio]:
    """Return what long runs keep of the throughput: with the agent, with its uploads alone."""
    assert estate.archive is not None  # noqa: S101 - the lab's server has one
    archives = {
        name: archive
        for name, archive in estate.archive.archives.items()
        if isinstance(archive, S3Archive)
    }
    wait_until_archived(estate, datetime.now(UTC), _CATCH_UP_SECONDS)
    _settle()
    agent, uploads = overhead_passes.with_agent(here, server, archives, _BENCH, count)
    wait_until_archived(estate, datetime.now(UTC), _CATCH_UP_SECONDS)
    _agent(server, "stop")
    _settle()
    alone = overhead_passes.with_uploads(server, archives, _BENCH, count, uploads)
    _agent(server, "start")
    return together(agent), together(alone)


def _throughput(server: Server, seconds: int) -> float:
    """Return transactions a second of one run."""
    said = server.run(("sh", "-c", f"{_BENCH} --time={seconds} run"), timeout=_LONG)
    return _rate(said.stdout.decode())


def _rate(text: str) -> float:
    found = re.search(r"transactions:\s+\d+\s+\(([0-9.]+) per sec", text)
    if found is None:
        raise DamagedData("sysbench", f"printed no rate: {text[-200:]!r}", "run it by hand on web1")
    return float(found[1])


def _during_backup(here: Lab, server: Server, number: int) -> dict[str, float]:
    """Return the throughput before and while a backup is taken, from one run of the benchmark."""
    job = f"bench-{number}"
    log = f"/run/{job}.log"
    words = f"systemd-run --quiet --collect --unit={job} sh -c '{_BENCH} --time=120 run >{log}'"
    began = time.monotonic()
    server.run(("sh", "-c", words), timeout=_SHORT)
    time.sleep(25)
    first = time.monotonic() - began
    path = here.logs / "campaign" / f"backup-{number}.log"
    ended = command_line.start(here, "backup", SERVER, log=path).finish(300)
    last = time.monotonic() - began
    server.run(("systemctl", "stop", job), timeout=_SHORT)
    rates = {
        int(second): float(rate)
        for second, rate in re.findall(
            r"\[ (\d+)s \].*? tps: ([0-9.]+)", server.get(log).decode(), re.MULTILINE
        )
    }
    # The first seconds warm up; a second at either edge belongs to both.
    before = mean(rate for second, rate in rates.items() if 5 <= second < first - 1)
    during = mean(rate for second, rate in rates.items() if first + 1 < second < last - 1)
    ratio = round(during / before, 3)
    print(
        f"backup {number + 1}: {ended.seconds:.1f} s, throughput {ratio:.2f} of before", flush=True
    )
    return {"seconds": round(ended.seconds, 1), "before": before, "during": during, "ratio": ratio}


if __name__ == "__main__":
    typer.run(main)
