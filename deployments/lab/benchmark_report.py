"""What a benchmark measured: a file for later, a table for now."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deployments.lab.config import ROOT

PATH = ROOT / "var" / "benchmark.json"
MEMORY_LIMIT = 400_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """One job.

    Attributes:
        memory: Most resident bytes of the worker's side: the command and all its children.
        stages: Seconds after its start at which a part had ended, or seconds of each part.
    """

    seconds: float
    memory: int
    stages: dict[str, float]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One run on the same data. All times are wall clock of whole commands."""

    sizes: dict[str, int]
    cores: int
    backup: Measured
    backup_again: Measured
    bare_sequential: Measured
    bare_parallel: Measured
    recovery: Measured
    bare_recovery: Measured

    @property
    def bare_backup(self) -> float:
        """The faster of the two bare backups."""
        return min(self.bare_sequential.seconds, self.bare_parallel.seconds)

    @property
    def ratios(self) -> dict[str, float]:
        """How many times as long ours take as the bare commands.

        `set` is the backup until its manifest is written: a copy at a second provider comes after
        it, which the bare commands do not make.
        """
        return {
            "set": round(self.backup.stages["manifest"] / self.bare_backup, 2),
            "backup": round(self.backup.seconds / self.bare_backup, 2),
            "recovery": round(self.recovery.seconds / self.bare_recovery.seconds, 2),
        }

    @property
    def peak_memory(self) -> int:
        """Most resident bytes of any of our commands."""
        ours = (self.backup, self.backup_again, self.recovery)
        return max(each.memory for each in ours)

    @property
    def within_memory(self) -> bool:
        """Whether the worker stayed within its limit."""
        return self.peak_memory <= MEMORY_LIMIT


def write(found: Benchmark) -> Path:
    """Write all figures; return the file."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    document = asdict(found) | {
        "ratios": found.ratios,
        "peak_memory": found.peak_memory,
        "memory_limit": MEMORY_LIMIT,
        "within_memory": found.within_memory,
        "measured_with": "wall clock of each command; memory: sum of VmRSS of the command's "
        "process group, read from /proc every 0.1 s",
    }
    PATH.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return PATH


def table(found: Benchmark) -> None:
    """Print the figures."""
    size, files = found.sizes["database_directory_bytes"], found.sizes["files_bytes"]
    title = (
        f"{size / 1e6:.0f} MB of database, {found.sizes['files']} files of {files / 1e6:.0f} MB, "
        f"{found.cores} cores for everything"
    )
    shown = Table(title=title, title_justify="left")
    for column in ("Job", "Seconds", "Bare tools", "Ratio", "Worker memory"):
        shown.add_column(column, justify="left" if column == "Job" else "right")
    bare = f"{found.bare_sequential.seconds:.1f} / {found.bare_parallel.seconds:.1f}"
    whole = Measured(found.backup.stages["manifest"], found.backup.memory, {})
    shown.add_row("backup, first, set complete", *_cells(whole, bare, found.ratios["set"]))
    shown.add_row("backup, first, and copied", *_cells(found.backup, bare, found.ratios["backup"]))
    shown.add_row("backup, unchanged", *_cells(found.backup_again, "", 0))
    bare = f"{found.bare_recovery.seconds:.1f}"
    shown.add_row("recovery", *_cells(found.recovery, bare, found.ratios["recovery"]))
    console = Console()
    console.print(shown)
    console.print("bare backup: one after the other / side by side; the ratio is to the faster one")
    jobs = {
        "backup, when each had ended": found.backup,
        "bare backup": min(found.bare_sequential, found.bare_parallel, key=lambda j: j.seconds),
        "recovery, seconds of each": found.recovery,
        "bare recovery": found.bare_recovery,
    }
    for name, job in jobs.items():
        stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in job.stages.items())
        console.print(f"{name}: {stages}")
    verdict = "[green]PASS[/green]" if found.within_memory else "[red]FAIL[/red]"
    limit = f"{found.peak_memory / 1e6:.0f} MB of at most {MEMORY_LIMIT / 1e6:.0f} MB"
    console.print(f"{verdict} worker memory: {limit}")


def _cells(ours: Measured, bare: str, ratio: float) -> tuple[str, str, str, str]:
    shown = f"{ratio:.2f}" if ratio else ""
    return f"{ours.seconds:.1f}", bare, shown, f"{ours.memory / 1e6:.0f} MB"
