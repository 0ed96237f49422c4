"""What a campaign found: a file for later, a table for now."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from deployments.lab.config import ROOT

FOLDER = ROOT / "var" / "campaign"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one killed recovery ended.

    Attributes:
        when: `end` (as soon as the journal showed the step's end) or `middle`.
        killed: Whether the run was still alive when the signal came.
        ended: Verdict of the second run.
        machines: That carry the incident's tag at the end.
        dns: Whether each name leads to the new machine and was moved exactly once.
        seconds: The second run, from the command's start to its end.
    """

    step: str
    when: str
    killed: bool
    ended: str
    status: int
    machines: int
    dns: bool
    seconds: float

    @property
    def good(self) -> bool:
        """Whether the kill changed nothing of the outcome."""
        return self.status == 0 and self.ended == "recovered" and self.machines == 1 and self.dns

    @property
    def sentence(self) -> str:
        """What happened, in one line."""
        mark = "ok " if self.good else "BAD"
        how = "killed" if self.killed else "already over"
        return (
            f"{mark} {self.step:<18} {self.when:<7} {how}; then {self.ended} "
            f"in {self.seconds:.1f} s, {self.machines} machine(s), "
            f"DNS {'right' if self.dns else 'WRONG'}"
        )


def conclude(name: str, figures: Mapping[str, object], *, good: bool) -> NoReturn:
    """Write and print what a campaign of one round found, and exit: 0 if it was good."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**figures, "good": good}, indent=2)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    sys.exit(0 if good else 1)


def write(outcomes: Sequence[Outcome], *, whole: bool) -> None:
    """Write the figures; a campaign of chosen steps has a file of its own."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    document = {"steps": [asdict(each) for each in outcomes], "summary": summary(outcomes)}
    path = FOLDER / ("kill.json" if whole else "kill-some.json")
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def summary(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return the figures that matter of all runs together."""
    return {
        "runs": len(outcomes),
        "killed": sum(each.killed for each in outcomes),
        "recovered": sum(each.ended == "recovered" for each in outcomes),
        "one_machine": sum(each.machines == 1 for each in outcomes),
        "dns_right": sum(each.dns for each in outcomes),
        "slowest_second_run": max((each.seconds for each in outcomes), default=0.0),
        "good": bool(outcomes) and all(each.good for each in outcomes),
    }


def table(outcomes: Sequence[Outcome]) -> None:
    """Print one row a kill."""
    shown = Table(title=f"kill -9 of a recovery: {summary(outcomes)}", title_justify="left")
    for column in ("Step", "When", "Killed", "Then", "Machines", "DNS", "Second run"):
        shown.add_column(column)
    for each in outcomes:
        cells = (each.step, each.when, "yes" if each.killed else "no", each.ended)
        numbers = (str(each.machines), "right" if each.dns else "wrong", f"{each.seconds:.1f} s")
        shown.add_row(*cells, *numbers, style="" if each.good else "red")
    Console().print(shown)
