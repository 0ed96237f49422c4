"""A monitor elsewhere, in memory: tests say what it watches, and what it says when asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import PrivateAttr

from blocks.errors import ContinuityError
from blocks.monitors.alert_body import refuse
from blocks.monitors.base import AlertSource
from blocks.types import Access, MonitorCondition, MonitorState, ReceivedAlert


class MemoryMonitor(AlertSource):
    """Asked, it says what the test told it; `asked` counts how often."""

    _block_type_name = "Memory monitor"
    _block_type_slug = "memory-monitor"

    _states: dict[str, MonitorState] = PrivateAttr(default_factory=dict)
    _error: ContinuityError | None = PrivateAttr(default=None)
    _asked: int = PrivateAttr(default=0)

    def watch(
        self,
        host: str,
        condition: MonitorCondition = MonitorCondition.UP,
        *,
        ago: timedelta | None = timedelta(seconds=20),
        every: timedelta | None = timedelta(minutes=1),
        page: bool = True,
    ) -> str:
        """Let it watch a host, or say something else of it; `ago` is when it looked last."""
        now = datetime.now(UTC)
        self._states[host] = MonitorState(
            id=host,
            name=f"Site {host}",
            host=host,
            url=f"https://{host}/" if page else "",
            condition=condition,
            page=page,
            read_at=now,
            checked_at=None if ago is None else now - ago,
            every=every,
            since=now - timedelta(hours=1),
        )
        return host

    def forget(self, *hosts: str) -> None:
        """Watch these hosts no longer."""
        for host in hosts:
            del self._states[host]

    def fail_always(self, error: ContinuityError | None) -> None:
        """Fail whatever is asked, until told None."""
        self._error = error

    @property
    def asked(self) -> int:
        """How often it was asked for its states."""
        return self._asked

    def read(self, content_type: str, body: bytes) -> ReceivedAlert:
        refuse("Memory monitor", "sends nothing", "ask it")

    def states(self) -> tuple[MonitorState, ...]:
        self._may_be_asked()
        self._asked += 1
        return tuple(self._states.values())

    def whoami(self) -> Access:
        self._may_be_asked()
        return Access("memory", may=("lire les moniteurs",))

    def _may_be_asked(self) -> None:
        if self.token is None:
            raise self._not_asked()
        if self._error:
            raise self._error
