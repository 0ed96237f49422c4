"""All the buckets that one server ships to: what one of them lacks or loses, another one gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import PurePosixPath
from threading import Lock
from typing import TypeVar

from blocks.archives import agent, delivery, names
from blocks.archives.base import Archive
from blocks.errors import ContinuityError, DamagedData, PieceLost, Unavailable, Unreachable
from blocks.repositories.mirrored import GONE
from blocks.servers.base import Server
from blocks.types import (
    AgentState,
    ArchiveListing,
    FilePiece,
    LogPiece,
    LogSource,
    LogSpan,
    RemoteCommand,
    ShippedSite,
)

_SHORT = timedelta(seconds=60)
_INSTALL = timedelta(minutes=10)
# Lines: whether the service runs; the newest complete pass of the bucket that is furthest behind;
# then what went wrong in the last ones.
_STATE = f"""
systemctl is-active {agent.SERVICE}
for each; do cat {agent.WORK}/$each/passed 2>/dev/null || echo; done | sort | head -n 1
cat {agent.WORK}/error 2>/dev/null
for each; do cat {agent.WORK}/$each/error 2>/dev/null; done
exit 0
"""

Value = TypeVar("Value")


class ArchivePlaces:
    """The archive of one server, in one bucket or in several.

    An agent on the server ships to each of them by itself; neither a worker nor a Prefect server is
    needed. What is read comes from the first bucket as far as it goes. A bucket that fails while
    something is read, and a piece that is damaged, is left out from then on: that is `PieceLost`,
    after which a new `listing` shows what is left.
    """

    def __init__(self, archives: Mapping[str, Archive]) -> None:
        self.archives = dict(archives)
        self._lock = Lock()
        self.lost: dict[str, str] = {}
        """Why buckets are left out, by name."""
        self.damaged: dict[str, set[str]] = {}
        """Keys of damaged pieces, by the name of their bucket."""

    def afresh(self) -> ArchivePlaces:
        """Return the same buckets with nothing left out: what was lost may be back."""
        return ArchivePlaces(self.archives)

    def name_of(self, place: int) -> str:
        """Return the name of the bucket that pieces with this `place` lie in."""
        return list(self.archives)[place]

    # --- the agent ---

    def start(
        self, server: Server, name: str, logs: LogSource | None, sites: Sequence[ShippedSite]
    ) -> bool:
        """Make sure that the agent ships for this server; return whether anything was changed.

        Idempotent. Nothing that is shipped is shipped again, also after a reboot of the server.
        """
        to = [each.destination(name) for each in self.archives.values()]
        seconds = min(each.interval_seconds for each in self.archives.values())
        words = agent.settings(to, logs, sites, timedelta(seconds=seconds))
        wanted = {
            agent.PROGRAM: (agent.program(), 0o755),
            agent.UNIT_FILE: (agent.UNIT.encode(), 0o644),
            agent.SETTINGS: (words.encode(), 0o600),
        } | {each.ca_file: (each.authority, 0o644) for each in to if each.authority}
        server.install_packages(agent.PACKAGES, timeout=_INSTALL)
        stale = [path for path, (content, _) in wanted.items() if _held(server, path) != content]
        for path in stale:
            server.put(path, wanted[path][0], mode=wanted[path][1])
        verb = "restart" if stale else "start"
        script = f"systemctl daemon-reload; systemctl enable --quiet {agent.SERVICE}"
        script += f" && systemctl {verb} {agent.SERVICE}"
        server.run(("sh", "-c", script), timeout=_SHORT)
        return bool(stale)

    def stop(self, server: Server) -> None:
        """Make sure that nothing is shipped from this machine any more. Idempotent."""
        script = (
            f"systemctl disable --now --quiet {agent.SERVICE} 2>/dev/null; rm -f {agent.SETTINGS}"
        )
        server.run(("sh", "-c", script), timeout=_SHORT)

    def state(self, server: Server, name: str) -> AgentState:
        """Ask the agent on the server how it is."""
        places = [each.destination(name).name for each in self.archives.values()]
        said = server.run(("sh", "-c", _STATE, "state", *places), timeout=_SHORT).stdout
        active, passed, *errors = said.decode(errors="replace").splitlines()
        return AgentState(
            running=active == "active",
            passed_at=names.moment(passed) if passed else None,
            error="; ".join(errors),
        )

    def identity(self, server: Server, index: str, log: str) -> str:
        """Return what tells this binary log from others of its name; see `LogId`."""
        path = str(PurePosixPath(index).parent / log)
        said = server.run((agent.PROGRAM, "identity", path), timeout=_SHORT)
        return said.stdout.decode().strip()

    def ship_again(self, server: Server, since: datetime) -> None:
        """Have all that changed in files since then shipped with the next pass.

        Called after files were copied: what changed during the copy is then in one piece.
        """
        server.put(agent.RESCAN, f"{names.stamp(since)}\n".encode())

    # --- the buckets ---

    def listing(self, name: str, since: datetime | None = None) -> ArchiveListing:
        """Return what the buckets that are left hold of a server, each piece with its bucket.

        Raises what the first bucket said if none can be listed.
        """
        found = list(self.listings(name, since).values())
        listed = [each for each in found if isinstance(each, ArchiveListing)]
        if not listed:
            raise next(each for each in found if isinstance(each, ContinuityError))
        return merged(listed)

    def listings(
        self, name: str, since: datetime | None = None
    ) -> dict[str, ArchiveListing | ContinuityError]:
        """Return what each bucket that is left holds, or why it cannot be listed; side by side.

        One that cannot be listed is left out, but never the last one.
        """
        left = [(n, each) for n, each in enumerate(self.archives) if each not in self.lost]
        with ThreadPoolExecutor(max_workers=len(left)) as pool:
            running = [(n, pool.submit(self._listed, n, name, since)) for n, _ in left]
        found = {n: each.result() for n, each in running}
        for place, each in found.items():
            if isinstance(each, ContinuityError):
                self._leave_out(place, each)
        return {self.name_of(place): each for place, each in found.items()}

    def read(self, piece: LogPiece) -> Iterator[bytes]:
        """Yield the bytes of a piece as they were on the server. Raises `PieceLost`."""
        content = self._of(piece).read(piece)
        while (part := self._spare(piece.place, lambda: next(content, None))) is not None:
            yield part

    def addresses(self) -> list[str]:
        """Return the addresses of all buckets whose name can be resolved."""
        found: list[str] = []
        for each in self.archives.values():
            with suppress(Unreachable):
                found += each.addresses()
        return found

    # --- giving back ---

    def deliver_logs(
        self, server: Server, spans: Sequence[LogSpan], folder: str, *, timeout: timedelta
    ) -> tuple[str, ...]:
        """Write each log up to the span's end to a file of MariaDB's account; return the paths.

        Needs `age`, `zstd` and `curl` on the server. The folder is emptied first.
        Raises `PieceLost`.
        """
        pieces = [piece for span in spans for piece in span.pieces]
        objects, files = self._fetch(server, "logs", pieces, timeout)
        plan, lengths = delivery.log_plan(spans, files)
        words = (delivery.LOGS, "unpack", objects, folder)
        _unpack(server, words, plan, timeout, LENGTHS=lengths)
        return tuple(f"{folder}/{name}" for name in delivery.log_names(spans))

    def deliver_files(
        self,
        server: Server,
        pieces: Sequence[FilePiece],
        *,
        removals_after: datetime,
        timeout: timedelta,
    ) -> int:
        """Apply changes of files in their order; return how many files were written.

        Files that a piece newer than `removals_after` no longer knows in a changed folder are
        removed. Can be cut anywhere and run again. Raises `PieceLost`.
        """
        if not pieces:
            return 0
        objects, files = self._fetch(server, f"files-{pieces[0].site}", pieces, timeout)
        plan = delivery.file_plan(files, [piece.at > removals_after for piece in pieces])
        return int(_unpack(server, (delivery.FILES, "unpack", objects), plan, timeout))

    # --- inside ---

    def _listed(
        self, place: int, name: str, since: datetime | None
    ) -> ArchiveListing | ContinuityError:
        archive = self.name_of(place)
        try:
            found = self.archives[archive].listing(name, since)
        except GONE as error:
            return error
        bad = self.damaged.get(archive, set())
        return ArchiveListing(
            tuple(replace(each, place=place) for each in found.logs if each.key not in bad),
            tuple(replace(each, place=place) for each in found.files if each.key not in bad),
            found.seen_until,
        )

    def _fetch(
        self, server: Server, name: str, pieces: Sequence[LogPiece | FilePiece], timeout: timedelta
    ) -> tuple[str, list[str]]:
        """Bring pieces to the server; return the folder, and each one's file in it, in order."""
        objects = f"{delivery.FOLDER}/{name}-objects"
        keys, files = delivery.places_of(pieces)
        for place, wanted in keys.items():
            archive, folder = self.archives[self.name_of(place)], f"{objects}/{place}"
            act = partial(archive.fetch, server, wanted, folder, timeout)
            self._spare(place, act, (Unavailable,))  # any other error is the server's own
        return objects, files

    def _spare(
        self,
        place: int,
        act: Callable[[], Value],
        gone: tuple[type[ContinuityError], ...] = GONE,
    ) -> Value:
        """Act on one bucket; leave out what cannot be had from it."""
        try:
            return act()
        except DamagedData as error:
            self.damaged.setdefault(self.name_of(place), set()).add(error.subject)
            raise PieceLost(error.subject, error.cause, error.hint) from error
        except gone as error:
            if not self._leave_out(place, error):
                raise
            raise PieceLost(error.subject, error.cause, error.hint) from error

    def _leave_out(self, place: int, error: ContinuityError) -> bool:
        """Leave a bucket out, but never the last one: a moment's failure is not the end of it."""
        name = self.name_of(place)
        with self._lock:
            if name not in self.lost and len(self.lost) + 1 < len(self.archives):
                self.lost[name] = error.cause
        return name in self.lost

    def _of(self, piece: LogPiece) -> Archive:
        return self.archives[self.name_of(piece.place)]


def merged(listings: Sequence[ArchiveListing]) -> ArchiveListing:
    """Return what several buckets hold together, oldest first; their pieces may be the same."""
    return ArchiveListing(
        tuple(sorted((piece for each in listings for piece in each.logs), key=_moment)),
        tuple(sorted((piece for each in listings for piece in each.files), key=_moment)),
        max((each.seen_until for each in listings if each.seen_until), default=None),
    )


def _moment(piece: LogPiece | FilePiece) -> tuple[datetime, str, int]:
    return piece.at, piece.key, piece.place


def _held(server: Server, path: str) -> bytes | None:
    said = server.run(("cat", path), timeout=_SHORT, accept=(0, 1))
    return None if said.status else said.stdout


def _unpack(
    server: Server, words: Sequence[str], plan: str, timeout: timedelta, **values: str
) -> str:
    command = RemoteCommand(("bash", "-c", *words), values)
    job = f"unpack-{words[2].rpartition('/')[2]}"
    said = server.run(command, timeout=timeout, stdin=plan.encode(), job=job)
    return said.stdout.decode().strip()
