"""Let a new machine follow the server that serves: first a copy, then every change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic

from blocks.databases.base import Database
from blocks.servers.base import Server
from blocks.types import DatabaseContent, RecoverySet
from flows.decisions.recovery_plan import RecoveryPlan
from flows.reports.wording import counted, duration
from flows.tasks.incident import Incident, StepNote
from flows.tasks.restore import LONG
from flows.tasks.steps import step

LOCAL_PORT = 13306
"""Where the new machine reaches the old one's database on its own loopback."""
SEEDED = "seeded"
"""Marker of the new machine: the set whose content it holds and goes on from."""
ROUNDS, FEW = 4, 50
"""Files are copied again until so few changed meanwhile, at most so often."""
CATCH_UP = timedelta(hours=2)


def is_seeded(server: Server, plan: RecoveryPlan) -> bool:
    """Return whether this machine follows already: what lies there is newer than the set."""
    return server.read_marker(SEEDED) == plan.set_id


@step("join")
def join_source(incident: Incident, note: StepNote, server: Server) -> None:
    """Give the new machine its way to the one that serves."""
    source, database = incident.estate.server, incident.estate.database
    server.join(source, database.source_port() if database else LOCAL_PORT, LOCAL_PORT)
    note.did = f"{server.address} peut lire {source.address}, et rien d'autre"


@step("follow")
def follow(
    incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan, chosen: RecoverySet
) -> None:
    """Apply to the restored databases what the service writes, from the set's position on."""
    database, position = incident.estate.database, chosen.position
    if database is None or chosen.database_facts is None or position is None:
        note.skipped, note.why = True, "le serveur n'a pas de base de données"
    else:
        source = incident.estate.server
        database.follow(server, source, local=LOCAL_PORT, gtid=position.gtid)
        gtid = database.catch_up(server, source, timeout=CATCH_UP)
        note.did = f"de {position.gtid} à {gtid}, et la suite à mesure"
    server.write_marker(SEEDED, plan.set_id)


@step("pull")
def pull_files(incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan) -> None:
    """Copy what changed in the sites' files, again and again until little changes meanwhile."""
    source, roots, rounds = incident.estate.server, roots_of(incident, plan), []
    for _ in range(ROUNDS):
        rounds.append(server.pull(source, roots, timeout=LONG))
        if rounds[-1] <= FEW:
            break
    note.did = f"{counted(sum(rounds), 'entrée recopiée', 'entrées recopiées')} "
    note.did += f"en {counted(len(rounds), 'passage')}"


@step("rehearse")
def rehearse(incident: Incident, note: StepNote, server: Server, plan: RecoveryPlan) -> timedelta:
    """Compare everything once while the old server still serves; return how long that took.

    Differences mean nothing yet. Every byte of every file is read, which the last comparison,
    while nobody can write, leaves out for files that were not touched since.
    """
    source, roots = incident.estate.server, roots_of(incident, plan)
    begun = monotonic()
    wrong = server.differences(source, roots, contents=True, timeout=LONG)
    if wrong:
        server.pull(source, roots, timeout=LONG)
    read = timedelta(seconds=monotonic() - begun)
    begun = monotonic()
    both_contents(incident, server)
    quick = timedelta(seconds=monotonic() - begun)
    note.saw = f"fichiers relus en {duration(read)}, bases en {duration(quick)}"
    note.data = {"database_seconds": quick.total_seconds(), "files_seconds": read.total_seconds()}
    return read + quick


def roots_of(incident: Incident, plan: RecoveryPlan) -> list[str]:
    """Return the directories of all sites that move."""
    sites = (incident.estate.sites[each.site.name] for each in plan.sites)
    return list(dict.fromkeys(root for site in sites for root in site.roots))


def both_contents(
    incident: Incident, server: Server
) -> tuple[DatabaseContent, DatabaseContent] | None:
    """Return what the old and the new service hold, read side by side; None without a database."""
    database, source = incident.estate.database, incident.estate.server
    if database is None:
        return None
    with ThreadPoolExecutor(max_workers=2) as pool:
        there = pool.submit(_content, database, source)
        here = pool.submit(_content, database, server)
    return there.result(), here.result()


def _content(database: Database, server: Server) -> DatabaseContent:
    names = [each.name for each in database.facts(server).schemas]
    return database.content(server, names, checksums=True)
