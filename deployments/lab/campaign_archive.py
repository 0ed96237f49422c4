"""Break the archive's way in each manner that the world has; look that nothing is lost or hidden.

    script/campaign archive [--cut SECONDS] [--keep]

One server is backed up and written to without a pause. Its agent is killed, its way to the bucket
cut, the bucket stopped, its disk filled, its binary logs thrown away. After each, the set is
restored on a scratch machine and replayed to the end: every acknowledged number must be there, or
the gap must have been told.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from blocks.archives.agent import HOME, SERVICE
from blocks.repositories.catalogue import Catalogue
from blocks.servers.base import Server
from deployments.lab import control, lab, production, rpo_writer, storage
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import Lab, current
from deployments.lab.pit_restore import restore_to, scratch_machine, wait_until_archived
from flows.backup import backup
from flows.decisions.archive_state import LIMIT, ArchiveCondition
from flows.tasks.archive_look import chain_behind
from flows.tasks.archive_watch_steps import look
from flows.tasks.incident import Estate, open_estate

SERVER = "web1"
_SHORT = timedelta(seconds=60)
_SETTLE = 20.0
_LOOK_SECONDS = 5.0
_LONGEST_WAY_BACK = 180.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One manner of breaking it: what is done, what undoes it, and whether it must leave a gap."""

    name: str
    seconds: float
    begin: Callable[[], None]
    end: Callable[[], None]
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """How one scenario ended.

    Attributes:
        worst_lag: Seconds; the oldest that the newest archived moment became, as the looks saw it:
            none while the bucket cannot be read.
        told_after: Seconds until a look said that it is not current, None if none did.
        back_after: Seconds from the end of the outage until a look found it current; for a gap
            with a new set in between.
        gap: What lacks behind the set of before, "" for nothing.
        missing: Acknowledged numbers that the replay did not bring.
    """

    name: str
    seconds: float
    worst_lag: float
    told_after: float | None
    back_after: float
    gap: str
    acknowledged: int
    missing: int
    good: bool


def main(
    cut: Annotated[
        int, typer.Option(help="Seconds without a network, and without a bucket.")
    ] = 300,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero unless every scenario is good."""
    here = current()
    lab.up(here)
    results: list[Result] = []
    try:
        with control.prefect(here):
            estate = open_estate(SERVER)
            server = production.connect(here)
            with scratch_machine(here, estate) as scratch:
                for scenario in _scenarios(here, server, float(cut)):
                    results.append(_run(here, estate, server, scratch, scenario))
                    print(_line(results[-1]), flush=True)
                    _write(results)
    finally:
        if not keep:
            lab.down(here)
    sys.exit(0 if results and all(each.good for each in results) else 1)


def _scenarios(here: Lab, server: Server, cut: float) -> list[Scenario]:
    def on(where: Server, script: str) -> Callable[[], None]:
        return lambda: _do(where, script)

    place = storage.machine(here)
    # Each ends by itself, even when nobody is left to end it.
    limit = f"systemd-run --quiet --collect --unit=cut-ends --on-active={cut + 60:.0f}"
    hook = "type filter hook output priority 0"
    drop = f"table inet cut {{ chain out {{ {hook}; ip daddr {here.storage} drop; }}; }}"
    full = f"mount -t tmpfs -o size=64k full {HOME}/state; cp -a /run/kept/. {HOME}/state"
    return [
        Scenario(
            "agent killed every 5 s",
            60,
            on(
                server,
                "systemd-run --quiet --collect --unit=killer sh -c "
                f"'for n in $(seq 12); do systemctl kill -s KILL {SERVICE}; sleep 5; done'",
            ),
            on(server, "systemctl stop killer.service || true"),
        ),
        Scenario(
            "network cut",
            cut,
            on(server, f"{limit} nft delete table inet cut; echo '{drop}' | nft -f -"),
            on(server, "nft delete table inet cut; systemctl stop cut-ends.timer"),
        ),
        Scenario(
            "bucket down",
            cut,
            on(place, f"{limit} systemctl start storage-gateway; systemctl stop storage-gateway"),
            on(place, "systemctl start storage-gateway; systemctl stop cut-ends.timer"),
        ),
        Scenario(
            "disk of the agent full",
            60,
            on(
                server,
                f"systemctl stop {SERVICE}; rm -rf /run/kept; cp -a {HOME}/state /run/kept; {full};"
                f" dd if=/dev/zero of={HOME}/state/ballast bs=4k 2>/dev/null || true;"
                f" systemctl start {SERVICE}",
            ),
            on(
                server,
                f"systemctl stop {SERVICE}; umount {HOME}/state; rm -rf /run/kept;"
                f" systemctl start {SERVICE}",
            ),
        ),
        Scenario(
            "binary logs thrown away",
            30,
            on(server, "mariadb -e 'RESET MASTER'"),
            on(server, "true"),
            gap=True,
        ),
    ]


def _run(here: Lab, estate: Estate, server: Server, scratch: Server, scenario: Scenario) -> Result:
    (made,) = backup(SERVER)
    chosen = Catalogue(estate.repository).read(SERVER, made)
    log = here.logs / "campaign" / f"{scenario.name.replace(' ', '-')}.log"
    with rpo_writer.writing(here, server, log):
        time.sleep(_SETTLE)
        told, worst = _break(estate, scenario)
        gap = "" if not scenario.gap else chain_behind(estate, chosen).gap
        back = _way_back(estate, repair=scenario.gap)
    wait_until_archived(estate, datetime.now(UTC))
    gap = gap or chain_behind(estate, chosen).gap
    numbers = rpo_writer.acknowledged(log)
    missing = -1
    if not gap:
        restore_to(estate, scratch, chosen, "")
        kept = {each.n for each in rpo_writer.rows(scratch)}
        missing = sum(each.n not in kept for each in numbers)
    hidden = told is None and (bool(gap) or worst > LIMIT.total_seconds() + _LOOK_SECONDS)
    return Result(
        name=scenario.name,
        seconds=scenario.seconds,
        worst_lag=round(worst, 1),
        told_after=told,
        back_after=round(back, 1),
        gap=gap,
        acknowledged=len(numbers),
        missing=missing,
        good=bool(gap) == scenario.gap and missing == (-1 if gap else 0) and not hidden,
    )


def _break(estate: Estate, scenario: Scenario) -> tuple[float | None, float]:
    """Return when a look told of it, and the worst lag."""
    told, worst = None, 0.0
    with _broken(scenario):
        begun = time.monotonic()
        while time.monotonic() - begun < scenario.seconds:
            seen = look.fn(estate, LIMIT)
            worst = max(worst, seen.lag.total_seconds() if seen.lag else 0.0)
            if told is None and seen.condition is not ArchiveCondition.CURRENT:
                told = round(time.monotonic() - begun, 1)
            time.sleep(_LOOK_SECONDS)
    return told, worst


@contextmanager
def _broken(scenario: Scenario) -> Iterator[None]:
    scenario.begin()
    try:
        yield
    finally:
        scenario.end()


def _way_back(estate: Estate, *, repair: bool) -> float:
    """Return the seconds until a look finds it current; `repair` takes a new set, as the watch."""
    begun = time.monotonic()
    if repair:
        backup(estate.name)
    while time.monotonic() - begun < _LONGEST_WAY_BACK:
        if look.fn(estate, LIMIT).condition is ArchiveCondition.CURRENT:
            break
        time.sleep(1)
    return time.monotonic() - begun


def _do(server: Server, script: str) -> None:
    server.run(("bash", "-c", script), timeout=_SHORT)


def _line(result: Result) -> str:
    told = "not told" if result.told_after is None else f"told after {result.told_after:.0f} s"
    missing = f"gap: {result.gap}" if result.gap else f"{result.missing} missing"
    return (
        f"{'ok ' if result.good else 'BAD'} {result.name}, {result.seconds:.0f} s: {told}, worst "
        f"lag {result.worst_lag:.0f} s, current again after {result.back_after:.0f} s, "
        f"{result.acknowledged} acknowledged, {missing}"
    )


def _write(results: list[Result]) -> None:
    document = {
        "scenarios": [asdict(each) for each in results],
        "summary": {"scenarios": len(results), "good": all(each.good for each in results)},
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (FOLDER / "archive.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
