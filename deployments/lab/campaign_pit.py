"""Restore to random points of a workload and compare with what was recorded there.

    script/campaign pit [--points N] [--turns N] [--seed N] [--keep]

One server is backed up, works through all kinds of statements while the archive ships, and its
databases are noted after each. Then, on a scratch machine: the set, replay to a point, compare.
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

from blocks.repositories.catalogue import Catalogue
from deployments.lab import control, lab, pit_workload, production
from deployments.lab.campaign_result import FOLDER
from deployments.lab.config import Lab, current
from deployments.lab.pit_restore import restore_to, scratch_machine, wait_until_archived
from flows.backup import backup
from flows.tasks.incident import open_estate

SERVER = "web1"


@dataclass(frozen=True, slots=True)
class Result:
    """One point: what was asked for, what differed, how long it took."""

    turn: int
    point: str
    differences: tuple[str, ...]
    seconds: float


def main(
    points: Annotated[int, typer.Option(help="How many points are restored.")] = 30,
    turns: Annotated[int, typer.Option(help="How many turns the workload has.")] = 120,
    seed: Annotated[int, typer.Option(help="Which order and which points.")] = 1,
    keep: Annotated[bool, typer.Option(help="Leave the lab up.")] = False,
) -> None:
    """Run the campaign; ends non-zero unless every point is equal."""
    here = current()
    try:
        results = run(here, points, turns, seed)
    finally:
        if not keep:
            lab.down(here)
    good = [each for each in results if not each.differences]
    print(f"{len(good)} of {len(results)} points are equal to what was recorded there")
    sys.exit(0 if results and len(good) == len(results) else 1)


def run(here: Lab, points: int, turns: int, seed: int) -> list[Result]:
    """Prepare the lab, work, restore to the points; the file grows point by point."""
    lab.up(here)
    random = Random(seed)  # noqa: S311 - no secret
    results: list[Result] = []
    with control.prefect(here):
        server = production.connect(here)
        estate = open_estate(SERVER)
        (made,) = backup(SERVER)
        chosen = Catalogue(estate.repository).read(SERVER, made)
        pit_workload.begin(server)
        recorded = pit_workload.work(server, turns, seed)
        wait_until_archived(estate, datetime.now(UTC))
        with scratch_machine(here, estate) as scratch:
            for point in sorted(random.sample(recorded, points), key=lambda each: each.turn):
                begun = time.monotonic()
                restore_to(estate, scratch, chosen, point.gtid)
                found = pit_workload.look(scratch)
                differences = tuple(sorted(set(point.content) ^ set(found.content)))
                took = round(time.monotonic() - begun, 1)
                results.append(Result(point.turn, point.gtid, differences, took))
                mark = "BAD " + differences[0] if differences else "ok"
                print(f"turn {point.turn:>3} {point.gtid:<10} {took:>5.1f} s  {mark}", flush=True)
                _write(results, turns, seed)
    return results


def _write(results: list[Result], turns: int, seed: int) -> None:
    equal = sum(not each.differences for each in results)
    document = {
        "turns": turns,
        "seed": seed,
        "points": [asdict(each) for each in results],
        "summary": {"points": len(results), "equal": equal, "good": equal == len(results)},
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "pit.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
