"""The main job, for real: build an estate, back it up, destroy its server, bring it back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from prefect.client.orchestration import get_client
from prefect.deployments import run_deployment

from blocks.errors import ContinuityError, VerificationFailed
from deployments.lab import control, demo_story, lab, machines
from deployments.lab.config import ROOT, Lab, current
from deployments.lab.demo_follow import follow
from deployments.lab.demo_report import Seen, lost, table, write_reports

SERVER = "web1"
FOLDER = ROOT / "var" / "demo"
BACKUP_SECONDS = 300
RECOVERY_SECONDS = 300
QUIET_SECONDS = 5
"""How long customers shop before the backup, so that there is something to keep, and after it, so
that there is something to lose."""


class Clock:
    """Print lines with the time since the demo began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)


def main(
    keep: Annotated[bool, typer.Option(help="Leave the lab up and print where to look.")] = False,
    story: Annotated[
        bool, typer.Option("--story", help="The whole incident, from alert to the way home.")
    ] = False,
) -> None:
    """Run the demo; ends non-zero if anything is not proven."""
    here, clock = current(), Clock()
    try:
        seen = demo_story.run(here, clock.say) if story else run(here, clock)
    except ContinuityError as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not keep:
            lab.down(here)
    print()
    if isinstance(seen, demo_story.Told):
        clock.say(f"{len(seen.papers)} documents: {demo_story.FOLDER}")
    else:
        table(seen)
        write_reports(seen, FOLDER)
        clock.say(f"reports: {FOLDER}/report.json and {FOLDER}/report.html")
    if keep:
        for line in lab.status(here):
            print(line)
        print("to end it: script/lab down")
    sys.exit(0 if seen.proven else 1)


def run(here: Lab, clock: Clock) -> Seen:
    """Tell the whole story once; return what was seen."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lab.down(here)
    lab.up(here, clock.say)
    os.environ.update(control.environment(here))
    with control.prefect(here):
        return _lose_and_recover(here, clock)


def _lose_and_recover(here: Lab, clock: Clock) -> Seen:
    log = FOLDER / "visitors.jsonl"
    log.unlink(missing_ok=True)
    visitors = _visitors(log)
    try:
        _wait_for_orders(log)
        clock.say("customers read all sites and order at the shop, from now to the end")
        time.sleep(QUIET_SECONDS)
        clock.say("backup of web1, as the deployment backup/daily")
        made = _finished(_start("backup/daily", {"server": SERVER}), BACKUP_SECONDS)
        clock.say(f"backup {made}")
        time.sleep(QUIET_SECONDS)
        down_since = datetime.now(UTC)
        machines.destroy(here, SERVER)
        clock.say("web1 is destroyed: its disk is gone, customers see errors")
        report = _recover(clock, down_since)
        time.sleep(3)
    finally:
        visitors.terminate()
        visitors.wait(timeout=20)
    return lost(here, report, log, down_since)


def _recover(clock: Clock, down_since: datetime) -> dict[str, object]:
    """Start the on-demand deployment, approve its plan as an operator would, follow it."""
    run = _start(
        "disaster-recovery/on-demand", {"server": SERVER, "down_since": down_since.isoformat()}
    )
    clock.say("disaster-recovery/on-demand is started")
    return follow(run, SERVER, clock.say, timedelta(seconds=RECOVERY_SECONDS), _approve)


def _approve(incident: str, digest: str) -> None:
    """Approve with the operator's own command."""
    argv = [sys.executable, "-m", "deployments.cli.main", "approve", incident]
    done = subprocess.run(
        [*argv, "--digest", digest, "--operator", "demo"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise VerificationFailed(
            f"approval of {incident}", done.stderr.strip(), f"continuity approve {incident}"
        )


def _start(deployment: str, parameters: dict[str, object]) -> UUID:
    run = run_deployment(deployment, parameters=parameters, timeout=0, as_subflow=False)
    return run.id  # type: ignore[union-attr]


def _finished(run: UUID, seconds: float) -> str:
    """Wait for a flow run's end; return its state's name. Raises unless it completed."""
    deadline = time.monotonic() + seconds
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            state = client.read_flow_run(run).state
            if state is not None and state.is_final():
                if not state.is_completed():
                    raise VerificationFailed(
                        f"flow run {run}", f"{state.name}: {state.message}", "script/lab status"
                    )
                return str(state.name).lower()
            time.sleep(0.3)
    raise VerificationFailed(f"flow run {run}", f"not done in {seconds:g} s", "script/lab status")


def _visitors(log: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "deployments.lab.visitors", "--log", str(log)]
    return subprocess.Popen([*argv, "--rate", "5", "--seconds", "900"], env=dict(os.environ))


def _wait_for_orders(log: Path) -> None:
    deadline = time.monotonic() + 30
    while not (log.exists() and any('"order"' in line for line in log.open())):
        if time.monotonic() > deadline:
            raise VerificationFailed("customers", "no order in 30 s", "script/lab status")
        time.sleep(0.2)


if __name__ == "__main__":
    typer.run(main)
