"""Bring a server's content back onto a new machine; every step looks first."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from time import monotonic, sleep

from blocks.archives.agent import PACKAGES as ARCHIVE_PACKAGES
from blocks.errors import CommandFailed, NotFound, Unreachable
from blocks.repositories.mirrored import GONE
from blocks.servers.base import Server
from blocks.servers.packages import OF_THE_MACHINE
from blocks.types import Part, RecoverySet, RemoteCommand, SnapshotRef
from flows.decisions.database_way import Way, no_way_back, restore_way
from flows.decisions.other_release import Exchange, exchange, overlay, same_release, to_check
from flows.decisions.recovery_plan import RecoveryPlan
from flows.reports.wording import counted, size
from flows.tasks.incident import Incident, Source, StepNote
from flows.tasks.sources import read_from_copies
from flows.tasks.steps import step

STAGING = "/var/lib/continuity/configuration"
LONG = timedelta(hours=6)
START_AGAIN = timedelta(seconds=3)
UNKNOWN_ORIGIN = (
    "configuration reprise en entier : ce jeu ne dit pas quels fichiers étaient d'origine"
)
LATER = ("cron",)
"""Started when all data is back, so that no job works on half a site; never in a drill."""
OWN_STEP = ("mariadb", "mysql")
"""Started by the database step, on the restored data."""


@step("accounts")
def restore_accounts(
    incident: Incident, note: StepNote, server: Server, chosen: RecoverySet
) -> None:
    """Create users and groups with their old numbers, before packages and files need them."""
    added = server.add_accounts(chosen.server_facts.accounts)
    note.did = counted(len(added), "compte créé", "comptes créés")
    note.data = {"accounts": list(added)}


@step("isolate")
def isolate(incident: Incident, note: StepNote, server: Server) -> None:
    """Keep a drill machine from speaking with anybody but those it needs for the restore."""
    estate = incident.estate
    allowed = [*_storage_addresses(incident), *estate.declared.allowed_in_drill]
    server.isolate(allowed)
    note.did = f"trafic sortant limité à {', '.join(allowed) or 'rien'}"


@step("engine")
def prepare_engine(incident: Incident, note: StepNote, server: Server) -> None:
    """Put the restore tool on the new machine, for every repository that it can reach."""
    failures = []
    for source in incident.sources:
        try:
            source.repository.prepare(server, incident.estate.name)
        except GONE as error:
            source.lost = error.cause
            failures.append(error)
    if len(failures) == len(incident.sources):
        raise failures[0]
    note.why = "; ".join(
        f"dépôt {each.name} : {each.lost}" for each in incident.sources if each.lost
    )


def _storage_addresses(incident: Incident) -> list[str]:
    """Return the addresses of what holds the set and its archive; one that resolves is enough."""
    found, failures = list[str](), list[Unreachable]()
    for source in incident.sources:
        try:
            found += source.repository.addresses()
        except Unreachable as error:
            failures.append(error)
    if not found and failures:
        raise failures[0]
    archive = incident.estate.archive
    found += archive.addresses() if archive else []
    return list(dict.fromkeys(found))


@step("packages")
def restore_packages(
    incident: Incident, note: StepNote, server: Server, chosen: RecoverySet
) -> Exchange:
    """Install the packages that the lost server had, or what this release has in their place.

    Those that the mirror lacks stop the recovery on the same release; on another one they are
    named. Returns what goes by another name here.
    """
    exchanged = _exchange(incident, server, chosen)
    installed = server.install_packages(exchanged.packages, timeout=timedelta(minutes=30))
    note.did = counted(len(installed), "paquet manquant installé", "paquets manquants installés")
    note.did += f" ({len(exchanged.packages)} demandés)"
    warnings = to_check(exchanged)
    note.why = " ; ".join(warnings)
    note.data = {"to_check": list(warnings)}
    return exchanged


def _exchange(incident: Incident, server: Server, chosen: RecoverySet) -> Exchange:
    lost, release = chosen.server_facts, server.release()
    names = {*lost.packages, *(ARCHIVE_PACKAGES if incident.estate.archive else ())}
    wanted = sorted(name for name in names if not OF_THE_MACHINE.fullmatch(name))
    if release == lost.release:
        return same_release(lost, wanted)
    return exchange(lost, wanted, release, server.offered_packages())


@step("files")
def restore_files(
    incident: Incident, note: StepNote, server: Server, chosen: RecoverySet, *, subject: str
) -> None:
    """Write one site's files, with owners, modes, times and links."""
    ref = find_ref(chosen, Part.SITE, subject)
    marker = f"files-{subject}"
    if server.read_marker(marker) == ref.tree:
        note.skipped, note.why = True, "déjà restaurés"
        return
    with incident.slots:
        done = read_from_copies(
            incident,
            note,
            lambda held: find_ref(held, Part.SITE, subject),
            lambda source, ref: source.repository.restore_paths(
                server, incident.estate.name, ref.id
            ),
        )
    server.write_marker(marker, ref.tree)
    note.did = f"{counted(done.files, 'fichier')}, {size(done.bytes)}"
    if done.skipped:
        note.did += f", {done.skipped} déjà là"


@step("configuration")
def restore_configuration(
    incident: Incident, note: StepNote, server: Server, chosen: RecoverySet, exchanged: Exchange
) -> None:
    """Put web server, PHP, database, certificate and cron configuration in force."""
    name = incident.estate.name
    read_from_copies(
        incident,
        note,
        lambda held: find_ref(held, Part.CONFIGURATION, name),
        lambda source, ref: source.repository.restore_paths(server, name, ref.id, STAGING),
    )
    over = overlay(chosen.server_facts, exchanged)
    changed = server.apply_configuration(STAGING, over)
    note.did = counted(len(changed), "chemin mis à jour", "chemins mis à jour")
    if over is not None:
        note.why = f"Debian {exchanged.release} garde ses propres fichiers d'origine"
        note.data |= {"to_check": [UNKNOWN_ORIGIN] if not chosen.server_facts.untouched else []}


@step("database")
def restore_database(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan, chosen: RecoverySet
) -> None:
    """Bring the databases back: the physical copy into the same MariaDB series, SQL otherwise."""
    database = incident.estate.database
    if database is None or chosen.database_facts is None:
        note.skipped, note.why = True, "le serveur n'a pas de base de données"
        return
    series = database.installed_series(server)
    note.saw = f"MariaDB {series or 'absent'} ici, {chosen.database_facts.series} dans le jeu"
    ready = restore_way(chosen.database_facts, series)
    if ready.way is Way.IMPOSSIBLE:
        raise no_way_back(chosen.id, ready)
    if ready.way is not Way.PHYSICAL:
        note.did = _restore_logical(incident, note, server, chosen)
        note.data |= {"to_check": [f"bases restaurées par {ready.reason}"]}
        return

    def restore(source: Source, ref: SnapshotRef) -> str:
        stream = _stream(incident, source, ref)
        database.restore_physical(server, stream, snapshot=ref.tree, size=ref.size, timeout=LONG)
        return f"copie physique, {size(ref.size)}"

    physical = partial(find_ref, part=Part.PHYSICAL, subject=incident.estate.name)
    note.did = read_from_copies(incident, note, physical, restore)
    note.data |= {"physical": True}


@step("web")
def start_services(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan, exchanged: Exchange
) -> None:
    """Start everything that ran on the lost server, but the database and cron.

    A service may need a directory of a site that is still on its way: as long as files are being
    restored, a failure is tried again.
    """
    later = LATER + OWN_STEP
    names = [each for each in exchanged.services if each not in later]
    deadline = monotonic() + LONG.total_seconds()
    while True:
        complete = _files_ended(incident, plan) or monotonic() > deadline
        try:
            running = server.start_services(names)
        except CommandFailed as failed:
            if complete:
                raise
            note.saw = f"pas encore : {failed.cause}"
            sleep(START_AGAIN.total_seconds())
        else:
            note.did = f"en marche : {', '.join(running)}"
            return


def _files_ended(incident: Incident, plan: RecoveryPlan) -> bool:
    """Return whether the restore of every site's files has ended, well or not."""
    ended = {record.step for record in incident.records if record.ended_at is not None}
    return all(f"files-{each.site.name}" in ended for each in plan.sites)


@step("cron")
def start_cron(incident: Incident, note: StepNote, server: Server, chosen: RecoverySet) -> None:
    """Let scheduled jobs run again, cron's and timers, now that all data is back."""
    wanted = [each for each in LATER if each in chosen.server_facts.services]
    wanted += chosen.server_facts.timers
    note.did = f"en marche : {', '.join(server.start_services(wanted))}"


def find_ref(chosen: RecoverySet, part: Part, subject: str) -> SnapshotRef:
    """Return the set's snapshot of this part. Raises `NotFound`."""
    for ref in chosen.snapshots:
        if ref.part is part and ref.subject == subject:
            return ref
    raise NotFound(
        f"set {chosen.id}",
        f"holds no {part} of {subject}",
        f"choose another set: continuity sets {chosen.server}",
    )


def _stream(incident: Incident, source: Source, ref: SnapshotRef) -> RemoteCommand:
    return source.repository.read_stream(
        incident.estate.name, ref.id, stream_name(ref.part, ref.subject)
    )


def stream_name(part: Part, subject: str) -> str:
    """Return the flat file name under which a stream lies in its snapshot."""
    return "physical.xbstream" if part is Part.PHYSICAL else f"{part}-{subject}.sql"


def _restore_logical(
    incident: Incident, note: StepNote, server: Server, chosen: RecoverySet
) -> str:
    database = incident.estate.database
    assert database is not None  # noqa: S101 - the caller checked

    def load(source: Source, ref: SnapshotRef) -> None:
        stream = _stream(incident, source, ref)
        database.restore_logical(server, ref.subject, stream, snapshot=ref.tree, timeout=LONG)

    def load_grants(source: Source, ref: SnapshotRef) -> None:
        database.restore_grants(server, _stream(incident, source, ref), timeout=LONG)

    names = [ref.subject for ref in chosen.snapshots if ref.part is Part.DATABASE]
    for name in names:
        dump = partial(find_ref, part=Part.DATABASE, subject=name)
        read_from_copies(incident, note, dump, load)
    grants = partial(find_ref, part=Part.GRANTS, subject=incident.estate.name)
    read_from_copies(incident, note, grants, load_grants)
    return f"export SQL de {counted(len(names), 'base')}, comptes et droits"
