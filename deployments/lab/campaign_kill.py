"""Kill a recovery after each of its steps, run it again, and see whether it ends well.

    script/campaign kill [--only STEP] [--keep]

One server is backed up and destroyed once. One clean recovery tells the steps and how long each
takes. Then for every step: recover, SIGKILL as soon as the journal shows the step's end (long steps
also in their middle), recover again with the same incident, count machines, read the zones.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from blocks.errors import ContinuityError, DeadlineExceeded, VerificationFailed
from blocks.records import StepState
from blocks.repositories.journal import Journal
from deployments.lab import campaign_world, command_line, control, lab, machines
from deployments.lab.campaign_result import Outcome, table, write
from deployments.lab.config import Lab, current
from flows.decisions.recovery_plan import RecoveryPlan, plan_from_document
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import Estate, open_estate

SERVER = "web1"
LONG = ("machine", "packages", "files", "configuration", "database")
"""Steps that are killed in their middle, too."""
RUN_SECONDS = 300.0
"""Deadline of every single command."""
NOT_APPROVED = 4
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Point:
    """Where a run is killed: right after a step, or so many seconds after its start."""

    step: str
    when: str
    after_start: float = 0.0


@dataclass(frozen=True, slots=True)
class Bench:
    """What every run of the campaign shares."""

    lab: Lab
    estate: Estate
    plan: RecoveryPlan
    logs: Path
    serials: tuple[int, ...] = ()
    """Of the zones after an undisturbed recovery; each change makes them rise by one."""

    def digest(self, incident: str) -> str:
        """Return the digest of this incident's plan: the world is put back before each run."""
        return replace(self.plan, incident=incident).digest


def main(
    only: Annotated[list[str] | None, typer.Option(help="Only this step; may be repeated.")] = None,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero unless every run ended well."""
    here = current()
    try:
        outcomes = run(here, only or [])
    except ContinuityError as error:
        print(f"campaign: {error}", file=sys.stderr)
        sys.exit(1)
    finally:
        if not keep:
            lab.down(here)
    table(outcomes)
    sys.exit(0 if outcomes and all(each.good for each in outcomes) else 1)


def run(here: Lab, only: Sequence[str]) -> list[Outcome]:
    """Prepare the lab, then kill at every point; the result file grows point by point."""
    lab.up(here)
    with control.prefect(here):
        bench, points = _clean_run(_prepare(here))
        points = [each for each in points if not only or each.step in only]
        print(f"{len(points)} points of a recovery", flush=True)
        outcomes: list[Outcome] = []
        for point in points:
            outcome = _kill_and_resume(bench, point)
            print(outcome.sentence, flush=True)
            outcomes.append(outcome)
            write(outcomes, whole=not only)
    return outcomes


def _prepare(here: Lab) -> Bench:
    """Back the server up, destroy it, and let a first run make a plan that nobody approves."""
    logs = here.logs / "campaign"
    known = {machine.name for machine in machines.provider(here).find({})}
    if SERVER in known:
        saved = command_line.start(here, "backup", SERVER, log=logs / "backup.log")
        _require(saved.finish(RUN_SECONDS), logs / "backup.log", 0)
        machines.destroy(here, SERVER)
    estate = open_estate(SERVER)
    campaign_world.reset(here, estate)
    incident = _incident("plan")
    asked = command_line.start(
        here, "recover", SERVER, "--incident", incident, log=logs / "plan.log"
    )
    _require(asked.finish(RUN_SECONDS), logs / "plan.log", NOT_APPROVED)
    document = Journal(estate.repository.state(), incident).document(PLAN) or {}
    return Bench(here, estate, plan_from_document(document), logs)


def _clean_run(bench: Bench) -> tuple[Bench, list[Point]]:
    """Recover once undisturbed: which steps there are, how long they take, what DNS they change."""
    incident = _incident("clean")
    _require(_start(bench, incident).finish(RUN_SECONDS), _log(bench, incident), 0)
    found = []
    for record in Journal(bench.estate.repository.state(), incident).records():
        if record.state in (StepState.DONE, StepState.SKIPPED) and record.ended_at:
            if record.step.split("-", maxsplit=1)[0] in LONG:
                half = (record.ended_at - record.started_at).total_seconds() / 2
                found.append(Point(record.step, "middle", half))
            found.append(Point(record.step, "end"))
    serials = campaign_world.serials(bench.lab)
    campaign_world.reset(bench.lab, bench.estate)
    return replace(bench, serials=serials), found


def _kill_and_resume(bench: Bench, point: Point) -> Outcome:
    """Kill one recovery at the point, run it again to its end, look, and clear away."""
    incident = _incident(f"{point.step}-{point.when}")
    first = _start(bench, incident)
    try:
        _await(bench, incident, point, first)
    finally:
        killed = first.kill()
    again = _start(bench, incident).finish(RUN_SECONDS)
    report = Journal(bench.estate.repository.state(), incident).document(REPORT) or {}
    made = campaign_world.addresses(bench.estate, incident)
    outcome = Outcome(
        step=point.step,
        when=point.when,
        killed=killed,
        ended=str(report.get("verdict", f"exit {again.status}")),
        status=again.status,
        machines=len(made),
        dns=len(made) == 1
        and campaign_world.moved(bench.estate, bench.plan, made[0])
        and campaign_world.serials(bench.lab) == bench.serials,
        seconds=round(again.seconds, 1),
    )
    campaign_world.reset(bench.lab, bench.estate)
    return outcome


def _await(bench: Bench, incident: str, point: Point, run: command_line.Running) -> None:
    """Wait until the run has come to the point, or has ended before it."""
    # Only names are listed: reading all records each time would slow down the run itself.
    states = "started" if point.after_start else "done|skipped"
    wanted = re.compile(rf".*/\d+-{re.escape(point.step)}-({states})\.json")
    objects, folder = bench.estate.repository.state(), f"incidents/{incident}/"
    deadline = time.monotonic() + RUN_SECONDS
    while run.alive and not any(wanted.fullmatch(each.key) for each in objects.list(folder)):
        if time.monotonic() > deadline:
            raise DeadlineExceeded(
                f"incident {incident}", f"never came to {point.step}", f"less {bench.logs}"
            )
        time.sleep(_POLL_SECONDS)
    time.sleep(point.after_start)


def _start(bench: Bench, incident: str) -> command_line.Running:
    words = ("recover", SERVER, "--incident", incident, "--operator", "campaign")
    return command_line.start(
        bench.lab, *words, "--approve", bench.digest(incident), log=_log(bench, incident)
    )


def _incident(name: str) -> str:
    return f"kill-{name}-{datetime.now(UTC):%H%M%S}"


def _log(bench: Bench, incident: str) -> Path:
    return bench.logs / f"{incident}.log"


def _require(ended: command_line.Ended, log: Path, status: int) -> None:
    if ended.status != status:
        lines = ended.output.strip().splitlines()
        raise VerificationFailed(
            f"campaign, {log.stem}",
            f"ended with {ended.status}: {lines[-1] if lines else 'no output'}",
            f"less {log}",
        )


if __name__ == "__main__":
    typer.run(main)
