"""Tell people what happens, beside the procedure: a failed message never stops or slows it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic

from blocks.errors import ContinuityError
from blocks.notify.base import Notifier
from blocks.records import Notice, StepRecord, StepState
from blocks.repositories.journal import Journal
from flows.reports.progress import detail_notice, grouped_notice

BUDGET_SECONDS = 5.0
"""How long an incident may wait for messages in all, at its ends."""
PAUSE_SECONDS = 1.2
"""Slack takes about one message a second and channel."""
DOCUMENT = "messages.json"


class Announcer:
    """Keeps one live message per notifier up to date, with details in its thread.

    A thread of its own does the talking. References of the messages are kept in the journal, so
    that a run that starts again goes on in the same thread. After a failure it waits longer.
    """

    def __init__(
        self, notifiers: Mapping[str, Notifier], journal: Journal, render: Callable[[], Notice]
    ) -> None:
        self._notifiers = notifiers
        self._journal = journal
        self._render = render
        self._details: dict[str, deque[Notice]] = {name: deque() for name in notifiers}
        self._references: dict[str, str] = {}
        self._heard = 1
        self._shown: dict[str, int] = {}
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._spent = 0.0
        self.failures: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)

    def start(self) -> None:
        """Begin to talk; goes on in the thread of an earlier run of the same incident."""
        known = self._journal.document(DOCUMENT) or {}
        self._references = {
            name: str(ref) for name, ref in known.items() if name in self._notifiers
        }
        self._thread.start()

    def hear(self, record: StepRecord) -> None:
        """Take note of a journal record."""
        if record.state in (StepState.DONE, StepState.FAILED):
            for queue in self._details.values():
                queue.append(detail_notice(record))
        self.refresh()

    def refresh(self) -> None:
        """Say that the live message reads differently now."""
        self._heard += 1
        self._wake.set()

    def flush(self) -> None:
        """Wait until everything is said, at most as long as the budget of the incident allows."""
        began = monotonic()
        while monotonic() - began < BUDGET_SECONDS - self._spent and not self._quiet():
            self._wake.set()
            threading.Event().wait(0.05)
        self._spent += monotonic() - began

    def close(self) -> None:
        """Say the last words within the budget, then stop talking."""
        self.flush()
        self._stopping.set()
        self._wake.set()

    def _quiet(self) -> bool:
        return all(
            (not queue and self._shown.get(name) == self._heard) or name in self.failures
            for name, queue in self._details.items()
        )

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(timeout=5)
            self._wake.clear()
            for name, notifier in self._notifiers.items():
                self._speak(name, notifier)
            self._stopping.wait(PAUSE_SECONDS if not self.failures else 2 * PAUSE_SECONDS)

    def _speak(self, name: str, notifier: Notifier) -> None:
        """Bring one notifier up to date; remember why it could not be."""
        try:
            self._show(name, notifier)
            self._explain(name, notifier)
        except ContinuityError as error:
            self.failures[name] = str(error)
        except Exception as error:  # noqa: BLE001 - outermost frame of this thread
            self.failures[name] = f"{type(error).__name__}: {error}"
        else:
            self.failures.pop(name, None)

    def _show(self, name: str, notifier: Notifier) -> None:
        heard = self._heard
        if self._shown.get(name) == heard:
            return
        if name in self._references:
            notifier.edit(self._references[name], self._render())
        else:
            self._references[name] = notifier.post(self._render())
            self._journal.put_document(DOCUMENT, dict(self._references))
        self._shown[name] = heard

    def _explain(self, name: str, notifier: Notifier) -> None:
        """Hang the steps that ended since the last time into the thread, as one reply."""
        queue = self._details[name]
        waiting = list(queue)
        if not waiting:
            return
        notifier.reply(self._references[name], grouped_notice(waiting))
        for _ in waiting:
            queue.popleft()
