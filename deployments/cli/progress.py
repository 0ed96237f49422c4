"""Show a run's steps at the terminal while they pass."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from prefect.logging.handlers import PrefectConsoleHandler

from blocks.errors import ApprovalMismatch, ContinuityError, LeaseHeld, VerificationFailed
from blocks.records import StepRecord, StepState
from flows.reports.wording import duration, step_title
from flows.tasks.incident import listeners

EXIT_FAILED = 1
EXIT_PARTLY = 3
EXIT_NOT_APPROVED = 4
EXIT_HELD = 5

COLOURS = {StepState.DONE: "32", StepState.FAILED: "31", StepState.SKIPPED: "2"}
MARKS = {StepState.DONE: "✓", StepState.FAILED: "✗", StepState.SKIPPED: "-"}


class Printer:
    """Print one line for each step that ends: the time, the step, what it saw and did."""

    def __init__(self) -> None:
        self._began: datetime | None = None
        self._lock = Lock()

    def __call__(self, record: StepRecord) -> None:
        """Take one record; a listener of the flows."""
        self._began = self._began or record.started_at
        if record.state is StepState.STARTED or record.ended_at is None:
            return
        with self._lock:
            print(line(record, self._began), flush=True)


def line(record: StepRecord, began: datetime) -> str:
    """Return a finished step as one line."""
    ended = record.ended_at or record.started_at
    return f"{(ended - began).total_seconds():6.1f} s  {sentence(record)}"


def sentence(record: StepRecord) -> str:
    """Return a finished step without its place in time."""
    ended = record.ended_at or record.started_at
    mark = MARKS.get(record.state, "▸")
    if sys.stdout.isatty():
        mark = f"\033[{COLOURS[record.state]}m{mark}\033[0m"
    said = " ; ".join(part for part in (record.saw, record.did, record.why) if part)
    title = f"{step_title(record.step)} ({duration(ended - record.started_at)})"
    return f"{mark} {title}{'  ' + said if said else ''}"


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[None]:
    """Print the steps of this process, and turn errors into an exit code with their hint.

    With `quiet` no step is printed: standard output is then for a script that reads JSON.
    """
    printers = [] if quiet else [Printer()]
    listeners.extend(printers)
    _silence_console()
    try:
        yield
    except ContinuityError as error:
        print(f"\n{error}", file=sys.stderr)
        raise SystemExit(exit_code(error)) from None
    finally:
        for printer in printers:
            listeners.remove(printer)


def _silence_console() -> None:
    """Keep Prefect's own log lines from the terminal; its server still gets them."""
    for name in ("", "prefect", "prefect.flow_runs", "prefect.task_runs"):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            if isinstance(handler, PrefectConsoleHandler):
                logger.removeHandler(handler)
    # Libraries that find no handler at all would write to the terminal themselves.
    logging.getLogger().addHandler(logging.NullHandler())


def exit_code(error: ContinuityError) -> int:
    """Return the exit code that scripts can tell errors apart by."""
    if isinstance(error, ApprovalMismatch):
        return EXIT_NOT_APPROVED
    if isinstance(error, LeaseHeld):
        return EXIT_HELD
    if isinstance(error, VerificationFailed) and "partly recovered" in error.cause:
        return EXIT_PARTLY
    return EXIT_FAILED
