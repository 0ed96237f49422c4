"""One run's world: the blocks it works on, its journal, its lease, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import BoundedSemaphore

from blocks.archives.base import Archive
from blocks.archives.places import ArchivePlaces
from blocks.databases.base import Database
from blocks.dns.base import DnsZone
from blocks.errors import ConfigurationError, ContinuityError
from blocks.monitors.base import Probe
from blocks.notify.base import Notifier
from blocks.records import StepRecord, StepState
from blocks.registry import load, one_client
from blocks.repositories.base import ObjectStore, Repository
from blocks.repositories.journal import Journal
from blocks.repositories.mirrored import MirroredObjects
from blocks.servers.base import Server
from blocks.servers.protected import ProtectedServer
from blocks.sites.site import Site
from blocks.types import RecoverySet
from blocks.vps.base import VpsProvider
from flows.decisions.verdict import Outcome
from flows.reports.any_plan import AnyPlan

listeners: list[Callable[[StepRecord], None]] = []
"""Called with every journal record of this process; the command line shows progress with it."""


def now() -> datetime:
    """Return the time; the only clock that procedures read."""
    return datetime.now(UTC)


@dataclass
class Estate:
    """The opened blocks around one protected server. Not a block: it lives for one run."""

    name: str
    declared: ProtectedServer
    server: Server
    database: Database | None
    repository: Repository
    archive: ArchivePlaces | None
    probe: Probe
    sites: Mapping[str, Site]
    zones: Mapping[str, DnsZone]
    providers: Mapping[str, VpsProvider]
    notifiers: Mapping[str, Notifier]
    repositories: Mapping[str, Repository]
    """By name, the first one in front: `repository`, then its copies."""
    state: MirroredObjects
    """Journal and documents of incidents, kept in every repository."""

    @property
    def copies(self) -> Mapping[str, Repository]:
        """The further repositories, in their order."""
        return dict(list(self.repositories.items())[1:])

    @property
    def repository_name(self) -> str:
        """Name of the first repository, as in the estate file."""
        return next(iter(self.repositories))

    def only(self, name: str) -> Estate:
        """Return the same estate as if this were all that it has of repositories.

        For what looks at one repository. Leases are taken in all of them: on the whole estate.

        Raises:
            ConfigurationError: The server has no repository of this name.
        """
        if name not in self.repositories:
            raise ConfigurationError(
                f"repository {name}",
                f"is none of {self.name}'s: {', '.join(self.repositories)}",
                f"continuity sets {self.name}",
            )
        found = self.repositories[name]
        return replace(self, repository=found, repositories={name: found})

    def states(self) -> Mapping[str, ObjectStore]:
        """Return the stores for leases, by the repository's name."""
        return {name: each.state() for name, each in self.repositories.items()}


@one_client()
def open_estate(name: str) -> Estate:
    """Load the protected server `name` and every block it refers to.

    Raises:
        ConfigurationError: A block is missing or of the wrong kind.
    """
    declared = load(f"protected-server/{name}", ProtectedServer)
    references = [declared.repository, *declared.copies]
    repositories = {ref.split("/", 1)[1]: load(ref, Repository) for ref in references}
    places = [declared.archive, *declared.archive_copies] if declared.archive else []
    archives = {ref.split("/", 1)[1]: load(ref, Archive) for ref in places}
    providers = {target.provider for target in declared.targets} | {declared.origin} - {""}
    providers |= {declared.floating.provider} if declared.floating else set()
    return Estate(
        name=name,
        declared=declared,
        server=load(declared.server, Server),
        database=load(declared.database, Database) if declared.database else None,
        repository=next(iter(repositories.values())),
        archive=ArchivePlaces(archives) if archives else None,
        probe=load(declared.probe, Probe),
        sites={ref.split("/", 1)[1]: load(ref, Site) for ref in declared.sites},
        zones={ref: load(ref, DnsZone) for ref in declared.zones},
        providers={ref: load(ref, VpsProvider) for ref in sorted(providers)},
        notifiers={ref: load(ref, Notifier) for ref in declared.notifiers},
        repositories=repositories,
        state=MirroredObjects.of({name: each.state() for name, each in repositories.items()}),
    )


@dataclass
class StepNote:
    """What a step says of itself while it runs; ends up in the journal."""

    saw: str = ""
    did: str = ""
    why: str = ""
    skipped: bool = False
    data: dict[str, object] = field(default_factory=dict)


@dataclass
class Source:
    """One repository that holds the chosen set, with the set as it is there.

    `lost` says why it cannot be read any more, "" as long as it can: it is then tried last.
    """

    name: str
    repository: Repository
    chosen: RecoverySet
    lost: str = ""


def _nothing() -> None:
    """Do nothing: what is called before somebody listens."""


class Incident:
    """One incident's journal, with everybody who listens to it."""

    def __init__(self, identifier: str, estate: Estate, heading: str) -> None:
        self.id = identifier
        self.estate = estate
        self.heading = heading
        self.journal = Journal(estate.state, identifier)
        self.records: list[StepRecord] = list(self.journal.records())
        self.listeners = list(listeners)
        self.plan: AnyPlan | None = None
        self.outcome: Outcome | None = None
        self.ended = ""
        """How it ended well, where there is no outcome of a whole server."""
        self.waiting = ""
        self.stopped = False
        """Whether the run is over without having come to an outcome."""
        self.link = ""
        self.slots = BoundedSemaphore(estate.declared.parallel)
        """Restores of files that run on the new server at once."""
        self.message_failures: dict[str, str] = {}
        self.sources: tuple[Source, ...] = ()
        """Where the chosen set lies, the repository to read first in front."""
        self._told: set[str] = set()
        self.check_lease: Callable[[], None] = _nothing
        self.refresh: Callable[[], None] = _nothing
        self.flush: Callable[[], None] = _nothing

    @contextmanager
    def step(self, name: str) -> Iterator[StepNote]:
        """Write a record when the step starts and another when it ends, however it ends.

        Nothing starts any more once the lease is lost.
        """
        self.check_lease()
        note, started = StepNote(), now()
        self._record(name, StepState.STARTED, started, note)
        try:
            yield note
        except ContinuityError as error:
            note.why = str(error)
            note.data = {**note.data, "error": type(error).__name__}
            self._record(name, StepState.FAILED, started, note)
            raise
        except Exception as error:
            note.why = f"{type(error).__name__}: {error}"
            self._record(name, StepState.FAILED, started, note)
            raise
        state = StepState.SKIPPED if note.skipped else StepState.DONE
        self._record(name, state, started, note)

    def fail(self, name: str, why: str) -> None:
        """Write a record of a failure that happened outside any step."""
        self._record(name, StepState.FAILED, now(), StepNote(why=why))

    def done(self, name: str) -> StepRecord | None:
        """Return the newest record of a step that ended well, None if it never did."""
        found = [r for r in self.records if r.step == name and r.state is StepState.DONE]
        return found[-1] if found else None

    @property
    def began_at(self) -> datetime:
        """When the incident's first record was written; now if there is none yet."""
        return self.records[0].started_at if self.records else now()

    def _record(self, name: str, state: StepState, started: datetime, note: StepNote) -> None:
        record = self.journal.append(
            step=name,
            state=state,
            started_at=started,
            ended_at=None if state is StepState.STARTED else now(),
            saw=note.saw,
            did=note.did,
            why=note.why,
            data=note.data,
        )
        self.records.append(record)
        for listener in self.listeners:
            listener(record)
        self._tell_lost_state()

    def _tell_lost_state(self) -> None:
        """Write down once, where it still can be, that a store does not take the journal."""
        for name, why in self.estate.state.lost.items():
            if name not in self._told:
                self._told.add(name)
                note = StepNote(why=f"le dépôt {name} ne prend plus le journal ({why})")
                self._record(f"journal-{name}", StepState.SKIPPED, now(), note)
