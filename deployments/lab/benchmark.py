"""Backup and recovery against bare tools, in one run on the same data.

    script/benchmark [--database-mb 1000] [--files 20000] [--keep]

Both sides use the same restic binary and bucket, and each a repository that nobody used before.
Ours is timed as the operator's whole command, Python's start included. The bare backup runs
one after the other and side by side; the faster one counts. The bare recovery is one script on a
fresh machine: files beside packages, then configuration, database, services; pages; DNS.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from blocks.errors import ContinuityError, VerificationFailed
from blocks.records import StepState
from blocks.repositories.catalogue import Catalogue
from blocks.repositories.journal import Journal
from deployments.lab import benchmark_bare as bare
from deployments.lab import benchmark_data as data
from deployments.lab import benchmark_place as place
from deployments.lab import control, lab, machines, production
from deployments.lab.benchmark_place import SERVER
from deployments.lab.benchmark_report import Benchmark, Measured, table, write
from deployments.lab.command_line import Ended
from deployments.lab.config import Lab, current
from deployments.lab.names_zones import FOLDER as NAMES_FOLDER
from flows.decisions.recovery_plan import plan_from_document
from flows.tasks.approval import PLAN
from flows.tasks.incident import Estate

FRESH = "bare"
FRESH_ADDRESS = 30
NOT_APPROVED = 4
SERVICES = ("php8.2-fpm", "nginx", "cron")
_BOOT = timedelta(seconds=60)


def main(
    database_mb: Annotated[int, typer.Option(min=4, help="Megabytes of rows to make.")] = 1000,
    files: Annotated[int, typer.Option(min=1, help="Files to make.")] = 20_000,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the benchmark; ends non-zero if the worker needed more memory than it may."""
    here = current()
    try:
        found = run(here, database_mb, files)
    except ContinuityError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not keep:
            lab.down(here)
    print(f"figures: {write(found)}")
    table(found)
    sys.exit(0 if found.within_memory else 1)


def run(here: Lab, database_mb: int, files: int) -> Benchmark:
    """Make the data, measure both sides' backups, lose the server, measure both recoveries."""
    say = _clock()
    lab.up(here, say)
    prefix = f"bench-{datetime.now(UTC):%H%M%S}"
    os.environ.update(control.environment(here))
    with control.prefect(here):
        estate = place.prepare(here, prefix)
        server = production.connect(here)
        data.make(server, database_mb, files)
        sizes = data.sizes(server)
        say(f"data: {sizes}")
        estate.repository.prepare(estate.server, SERVER)
        bare_jobs = {
            name: _bare_backup(here, estate, prefix, name, say)
            for name in ("sequential", "parallel")
        }
        first = _ours(place.run(here, "backup", SERVER), "backup", say)
        again = _ours(place.run(here, "backup", SERVER), "backup, unchanged", say)
        machines.destroy(here, SERVER)
        recovery = _recover(here, estate, prefix, say)
        bare_recovery = _bare_recovery(here, estate, prefix, say)
    return Benchmark(
        sizes=sizes,
        cores=os.cpu_count() or 1,
        backup=first,
        backup_again=again,
        bare_sequential=bare_jobs["sequential"],
        bare_parallel=bare_jobs["parallel"],
        recovery=recovery,
        bare_recovery=bare_recovery,
    )


def _bare_backup(
    here: Lab, estate: Estate, prefix: str, name: str, say: Callable[[str], None]
) -> Measured:
    sites = estate.sites.values()
    script = bare.backup(
        place.restic(estate, prefix, name),
        [database for site in sites for database in site.databases],
        [root for site in sites for root in site.roots],
        estate.declared.configuration,
        parallel=name == "parallel",
    )
    timed = bare.run(place.host(here, SERVER), script)
    say(f"bare backup, {name}: {timed.seconds:.1f} s {timed.stages}")
    return Measured(timed.seconds, 0, timed.stages)


def _ours(ended: Ended, name: str, say: Callable[[str], None]) -> Measured:
    say(f"{name}: {ended.seconds:.1f} s, {ended.memory / 1e6:.0f} MB")
    return Measured(ended.seconds, ended.memory, _timeline(ended.output))


def _timeline(output: str) -> dict[str, float]:
    """Return when each step had ended, as the command printed it."""
    lines = re.finditer(r"^ *([0-9.]+) s  \S+ (.+?) \(", output, re.MULTILINE)
    return {line[2]: float(line[1]) for line in lines}


def _recover(here: Lab, estate: Estate, prefix: str, say: Callable[[str], None]) -> Measured:
    """Recover with the plan read and approved beforehand: the operator's time is nobody's cost."""
    words = ("recover", SERVER, "--incident", prefix)
    place.run(here, *words, accept=(NOT_APPROVED,))
    journal = Journal(estate.repository.state(), prefix)
    digest = plan_from_document(journal.document(PLAN) or {}).digest
    asked = len(journal.records())
    ended = place.run(here, *words, "--approve", digest)
    stages = {
        record.step: round((record.ended_at - record.started_at).total_seconds(), 2)
        for record in journal.records()[asked:]
        if record.ended_at and record.state is StepState.DONE
    }
    measured = _ours(ended, "recovery", say)
    return Measured(measured.seconds, measured.memory, stages)


def _bare_recovery(here: Lab, estate: Estate, prefix: str, say: Callable[[str], None]) -> Measured:
    """Bring the sites back on another fresh machine; each part counts, one after the other."""
    chosen = Catalogue(estate.repository).list(SERVER).sets[-1]
    began, stages = time.monotonic(), {}
    machine = machines.start(here, FRESH, "base", here.address(FRESH_ADDRESS))
    server = estate.server.at(machine.address, machine.host_key)
    server.wait_ready(timeout=_BOOT)
    stages["machine"] = time.monotonic() - began
    estate.repository.prepare(server, SERVER)  # not timed: a bare image may have restic
    restic = place.restic(estate, prefix, "sequential")
    timed = bare.run(place.host(here, FRESH), bare.recovery(restic, chosen.server_facts, SERVICES))
    stages["script"] = timed.seconds
    stages["pages"] = _pages(here, estate, machine.address)
    stages["dns"] = _nsupdate(here, estate, machine.address)
    machines.destroy(here, FRESH)
    total = sum(stages.values())
    say(f"bare recovery: {total:.1f} s {stages} {timed.stages}")
    return Measured(total, 0, stages | {f"script: {k}": v for k, v in timed.stages.items()})


def _pages(here: Lab, estate: Estate, address: str) -> float:
    """Fetch every smoke page by `curl`; return the seconds. Raises unless each is right."""
    began = time.monotonic()
    for check in (page for site in estate.sites.values() for page in site.smoke):
        host = check.url.split("/")[2]
        words = ["curl", "-sS", "--max-time", "20", "--cacert", str(here.secrets / "ca.pem")]
        words += ["--resolve", f"{host}:443:{address}", check.url]
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode or check.contains not in done.stdout:
            said = done.stderr.strip() or done.stdout[:200]
            raise VerificationFailed(f"bare recovery, {check.url}", said, " ".join(words))
    return time.monotonic() - began


def _nsupdate(here: Lab, estate: Estate, address: str) -> float:
    """Change the sites' records by `nsupdate` on the names machine; return the seconds."""
    lines = []
    for site in estate.sites.values():
        for domain in site.domains:
            lines += [f"update delete {domain} A", f"update add {domain} 30 A {address}", "send"]
    script = f"nsupdate -k {NAMES_FOLDER}/tsig.key <<'X'\nserver {here.names}\n"
    return bare.run(place.host(here, "names"), script + "\n".join(lines) + "\nX\n").seconds


def _clock() -> Callable[[str], None]:
    began = time.monotonic()
    return lambda text: print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)


if __name__ == "__main__":
    typer.run(main)
