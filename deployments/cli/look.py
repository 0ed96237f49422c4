"""`continuity sets|status`: what there is to recover from, and what goes on."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from blocks import registry
from blocks.errors import ContinuityError
from blocks.repositories.journal import Journal, incidents
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.progress import shown
from flows.decisions.abandoned import LAST_WORDS
from flows.decisions.protection import CopyView, Digit
from flows.decisions.site_proof import SiteStanding
from flows.decisions.standing import Standings
from flows.decisions.verdict import Verdict
from flows.reports.lock_text import HEADS, lock_rows
from flows.reports.outcome_report import STATES
from flows.reports.protection_text import protection_line, protection_rows
from flows.reports.site_proof_text import site_proof_text, sites_line
from flows.reports.verification_text import standing_text, states_text
from flows.reports.wording import VERDICTS, duration, size, step_title
from flows.tasks.approval import APPROVAL, PLAN
from flows.tasks.archive_locks import lock_records, self_tests_of
from flows.tasks.closing import close_ended, ended_runs
from flows.tasks.ending import REPORT
from flows.tasks.incident import Estate, open_estate
from flows.tasks.incident import now as current_time
from flows.tasks.look import usable_copies
from flows.tasks.protection import protection_of
from flows.tasks.site_proofs import site_standings
from flows.tasks.standing import standings


def sets(
    server: Annotated[str, typer.Argument(help="Name of the server.")],
    as_json: Json = False,
    local: Local = False,
    estate: EstateFile = None,
) -> None:
    """List a server's recovery sets, newest first: taken, proven, stale or failed, and why."""
    with connected(local=local, estate=estate, quiet=as_json), shown(quiet=as_json):
        opened = open_estate(server)
        copies = usable_copies(opened)
        known = standings(opened, copies)
        digits = () if as_json else protection_of(opened, copies)
        proofs = () if as_json else site_standings(opened, copies)
    found, refused, states, now = known.sets, known.refused, known.statuses, known.taken_at
    if as_json:
        print(json.dumps([{"id": s.id, "consistent_at": s.consistent_at.isoformat(),
                           "state": str(states[s.id].state), "why": states[s.id].why,
                           "refused": refused.get(s.id, ""),
                           "copies": _holding(copies, s.id),
                           "repositories": _states(known, s.id)} for s in found]))  # fmt: skip
        return
    table = Table(title=f"Jeux de sauvegarde de {server}", title_justify="left")
    table.add_column("Jeu", no_wrap=True)  # it is copied from here into commands
    for column in ("Âge", "Sites", "Taille", "Envoyé", "Dépôts", "État"):
        table.add_column(column)
    for each in reversed(found):
        table.add_row(
            each.id,
            duration(now - each.consistent_at),
            ", ".join(each.sites),
            size(sum(ref.size for ref in each.snapshots)),
            size(sum(ref.added for ref in each.snapshots if ref.taken_in == each.id)),
            ", ".join(_holding(copies, each.id)),
            states_text(known, each.id),
        )
    for name in refused.keys() - {each.id for each in found}:
        table.add_row(name, "?", "", "", "", "", refused[name])
    Console().print(table)
    Console().print(_sites(proofs, now))
    Console().print(_places(copies))
    Console().print(_protection(opened, digits))


def _sites(known: Sequence[SiteStanding], now: datetime) -> Table:
    table = Table(title="Sites, tels que le parc les déclare aujourd'hui", title_justify="left")
    for column in ("Site", "Preuve"):
        table.add_column(column)
    for each in known:
        table.add_row(each.site, site_proof_text(each, now))
    return table


def _holding(copies: Sequence[CopyView], set_id: str) -> list[str]:
    return [copy.name for copy in copies if set_id in {each.id for each in copy.usable()}]


def _states(known: Standings, set_id: str) -> dict[str, dict[str, str]]:
    """Return the state and what speaks against it in each repository that has the set."""
    found = {each.repository: each.statuses.get(set_id) for each in known.copies}
    return {
        name: {"state": str(each.state), "why": each.why} for name, each in found.items() if each
    }


def _places(copies: Sequence[CopyView]) -> Table:
    table = Table(title="Dépôts et leurs domaines de défaillance", title_justify="left")
    for column in ("Dépôt", "Hébergeur", "Site", "Compte", "Clé", "État"):
        table.add_column(column)
    for copy in copies:
        place = copy.domain
        state = f"inutilisable : {copy.failed}" if copy.failed else "répond"
        table.add_row(copy.name, place.provider, place.site, place.account, place.key, state)
    return table


def _protection(opened: Estate, digits: Sequence[Digit]) -> Table:
    table = Table(title=f"Règle 3-2-1-1-0 pour {opened.name}", title_justify="left")
    for column in ("Règle", "Tenue", "Preuve"):
        table.add_column(column)
    for row in protection_rows(digits):
        table.add_row(*row)
    accepted = opened.declared.accept_shared_domain
    if accepted:
        table.caption = f"Domaine partagé accepté : {accepted}"
    return table


def status(local: Local = False, estate: EstateFile = None) -> None:
    """Show each server's newest set, and every incident with how it ended."""
    console = Console()
    with connected(local=local, estate=estate) as prefect, shown():
        if prefect:
            _close_ended()
        table = Table(title="Serveurs", title_justify="left")
        for column in ("Serveur", "Dernier jeu", "Âge des données", "Preuve", "Sites", "Copies"):
            table.add_column(column)
        names = registry.names("protected-server")
        for name in names:
            table.add_row(name, *_newest(name))
        console.print(table)
        for name in names:
            console.print(_locks(name))
            console.print(_incidents(name))


def _close_ended() -> None:
    """Let runs that Prefect's server ended say so; nobody asked about them, so nothing may fail."""
    for run, flow in ended_runs():
        try:
            close_ended(run, flow)
        except ContinuityError as error:
            print(f"{run.name}: {error}", file=sys.stderr)


def _newest(server: str) -> tuple[str, str, str, str, str]:
    try:
        opened = open_estate(server)
        copies = usable_copies(opened)
        known = standings(opened, copies)
        rule = protection_line(protection_of(opened, copies))
        sites = sites_line(site_standings(opened, copies), server)
    except ContinuityError as error:
        return str(error), "?", "?", "?", "?"
    if not known.sets:
        return f"aucun : continuity backup {server}", "?", "?", sites, rule
    now, newest = known.taken_at, known.sets[-1]
    age = duration(now - newest.consistent_at)
    return newest.id, age, standing_text(known), sites, rule


def _locks(server: str) -> Table:
    """Return a line for each repository and archive: what protects it against deletion."""
    table = Table(title=f"Protection contre l'effacement de {server}", title_justify="left")
    for column in HEADS:
        table.add_column(column)
    opened = open_estate(server)
    try:
        rows = lock_rows(self_tests_of(opened), lock_records(opened), current_time())
    except ContinuityError as error:
        rows = [(opened.repository.place(), str(error), "?", "?")]
    for row in rows:
        table.add_row(*row)
    return table


def _incidents(server: str) -> Table:
    table = Table(title=f"Incidents de {server}", title_justify="left")
    table.add_column("Incident", no_wrap=True)  # it is copied from here into commands
    for column in ("Verdict", "Plan", "Approuvé par", "Dernière étape"):
        table.add_column(column)
    objects = open_estate(server).state
    for each in incidents(objects):
        journal = Journal(objects, each)
        plan, report = journal.document(PLAN) or {}, journal.document(REPORT) or {}
        if plan.get("server") not in (server, None):
            continue
        approval, records = journal.document(APPROVAL) or {}, journal.records()
        last = f"{step_title(records[-1].step)} : {STATES[records[-1].state]}" if records else ""
        over = bool(records) and records[-1].step == LAST_WORDS
        verdict = "arrêté" if over else "en cours"
        if report:
            verdict = VERDICTS[Verdict(str(report["verdict"]))]
        table.add_row(
            each,
            verdict,
            str(report.get("plan_digest", approval.get("digest", ""))),
            str(approval.get("operator", "")),
            last,
        )
    return table
