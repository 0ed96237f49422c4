"""Destroy a server that is written to, at a random moment; compare what is left with the report.

    script/campaign rpo [--rounds N] [--seed N] [--keep]

Each round: a fresh server is backed up, somebody writes numbered rows and files, the server is
destroyed, recovered as an operator would, and what was acknowledged is looked for.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from random import Random
from typing import Annotated

import typer

from blocks.repositories.journal import Journal
from deployments.lab import campaign_world, command_line, control, lab, machines, production
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import Lab, current
from deployments.lab.demo_report import recovered_server
from deployments.lab.rpo_writer import Number, acknowledged, files, rows, writing
from flows.decisions.recovery_plan import plan_from_document
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import Estate, open_estate

SERVER = "web1"
MOST_LOST = 60.0
MOST_WRONG = 2.0
_SECONDS = 400.0


@dataclass(frozen=True, slots=True)
class Round:
    """One destruction.

    Attributes:
        lost_rows: Seconds from the newest surviving acknowledged row to the destruction.
        lost_files: The same for files.
        reported: The report's figure.
        holes: Acknowledged numbers before the newest survivor that are not there.
        unknown: Rows that nobody can have written.
    """

    acknowledged: int
    lost_rows: float
    lost_files: float
    reported: float
    holes: int
    unknown: int
    seconds: float

    @property
    def good(self) -> bool:
        """Whether the promise was kept and the report told the truth."""
        lost = max(self.lost_rows, self.lost_files)
        return (
            lost <= MOST_LOST
            and abs(self.reported - self.lost_rows) <= MOST_WRONG
            and not self.holes
            and not self.unknown
        )


def main(
    rounds: Annotated[int, typer.Option(help="How often the server is destroyed.")] = 20,
    seed: Annotated[int, typer.Option(help="Which moments.")] = 1,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero unless every round is good."""
    here = current()
    random = Random(seed)  # noqa: S311 - no secret
    results: list[Round] = []
    try:
        for number in range(rounds):
            results.append(_round(here, number, random.uniform(5, 60)))
            print(_line(number, results[-1]), flush=True)
            _write(results, seed)
    finally:
        if not keep:
            lab.down(here)
    good = sum(each.good for each in results)
    print(f"{good} of {len(results)} rounds are good")
    sys.exit(0 if results and good == len(results) else 1)


def _round(here: Lab, number: int, wait: float) -> Round:
    lab.up(here, lambda _: None)
    logs = here.logs / "campaign"
    log = logs / f"numbers-{number}.log"
    with control.prefect(here):
        estate = open_estate(SERVER)
        campaign_world.reset(here, estate)
        with writing(here, production.connect(here), log):
            _run(here, number, 0, "backup", SERVER)
            time.sleep(wait)
            destroyed = datetime.now(UTC)
            machines.destroy(here, SERVER)
        told = acknowledged(log)
        report, seconds = _recover(here, number, estate, destroyed)
        server = recovered_server(estate, str(report["incident"]))
        result = _compare(told, rows(server), files(server), destroyed, report, seconds)
        campaign_world.reset(here, estate)
    return result


def _recover(
    here: Lab, number: int, estate: Estate, destroyed: datetime
) -> tuple[dict[str, object], float]:
    incident = f"rpo-{number}-{datetime.now(UTC):%H%M%S}"
    words: tuple[str, ...] = ("recover", SERVER, "--incident", incident, "--operator", "campaign")
    words += ("--down-since", f"{destroyed:%Y-%m-%dT%H:%M:%S}")
    _run(here, number, 4, *words)
    journal = Journal(estate.repository.state(), incident)
    plan = plan_from_document(journal.document(PLAN) or {})
    ended = _run(here, number, 0, *words, "--approve", plan.digest)
    return dict(journal.document(REPORT) or {}), ended.seconds


def _run(here: Lab, number: int, status: int, *words: str) -> command_line.Ended:
    log = here.logs / "campaign" / f"{words[0]}-{number}.log"
    return command_line.run(here, *words, log=log, seconds=_SECONDS, status=status)


def _compare(
    told: list[Number],
    kept: list[Number],
    filed: set[int],
    destroyed: datetime,
    report: dict[str, object],
    seconds: float,
) -> Round:
    known = {each.n: each.at for each in told}
    newest_row = max((each.n for each in kept if each.n in known), default=0)
    newest_file = max((n for n in filed if n in known), default=0)
    here = {each.n for each in kept}
    holes = {n for n in known if n <= newest_row and n not in here}
    holes |= {n for n in known if n <= newest_file and n not in filed}
    # One more than was told: written, and its answer lost with the server.
    unknown = {each.n for each in kept if each.n > len(told) + 1}
    whole = destroyed.replace(microsecond=0)
    down = destroyed - whole

    def lost(n: int) -> float:
        return (destroyed - known.get(n, told[0].at)).total_seconds()

    return Round(
        acknowledged=len(told),
        lost_rows=round(lost(newest_row), 2),
        lost_files=round(lost(newest_file), 2),
        # The command takes whole seconds: what it did not know is added.
        reported=round(float(str(report["rpo_seconds"])) + down.total_seconds(), 2),
        holes=len(holes),
        unknown=len(unknown),
        seconds=round(seconds, 1),
    )


def _line(number: int, result: Round) -> str:
    mark = "ok " if result.good else "BAD"
    return (
        f"{mark} round {number + 1:>2}: {result.acknowledged} acknowledged, lost rows of "
        f"{result.lost_rows:.1f} s and files of {result.lost_files:.1f} s, reported "
        f"{result.reported:.1f} s, {result.holes} holes, recovered in {result.seconds:.0f} s"
    )


def _write(results: list[Round], seed: int) -> None:
    document = {
        "seed": seed,
        "rounds": [asdict(each) | {"good": each.good} for each in results],
        "summary": {
            "rounds": len(results),
            "most_lost_seconds": max(max(each.lost_rows, each.lost_files) for each in results),
            "most_wrong_seconds": round(max(abs(e.reported - e.lost_rows) for e in results), 2),
            "good": all(each.good for each in results),
        },
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "rpo.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
