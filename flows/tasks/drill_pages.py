"""Follow the links of a site's first page on the drill machine, and look at its login page."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from blocks.errors import Unsupported, VerificationFailed
from blocks.servers.base import Server
from blocks.sites.site import LoginPage
from blocks.types import PageRead
from flows.decisions.page_links import (
    Answer,
    LinkFindings,
    asks_for_password,
    judge_links,
    links_of,
)
from flows.decisions.recovery_plan import SitePlan
from flows.reports.wording import counted
from flows.tasks.incident import Incident, StepNote
from flows.tasks.steps import step

READERS = 6


@step("links", retries=0)
def check_links(
    incident: Incident, note: StepNote, server: Server, plan: SitePlan, *, subject: str
) -> None:
    """Require what the first page needs and leads to, and a login page that asks for a password.

    What is broken in production too is noted and not counted.

    Raises:
        VerificationFailed: A link is broken here alone, or nobody could log in.
    """
    site = incident.estate.sites[subject]
    try:
        found = _follow(incident, server, plan, subject)
        wrong = _login(incident, server, site.login) if site.login else ""
    except Unsupported as error:
        note.skipped, note.why = True, f"liens non contrôlés : {error.cause}"
        note.data = {"to_check": [f"{subject} : {note.why}"]}
        return
    note.saw = _summary(found, login=site.login is not None and not wrong)
    if found.uncertain:
        said = "en erreur, et la production ne répond pas pour comparer"
        note.data = {"to_check": [f"{subject} : {said} : {', '.join(found.uncertain)}"]}
    problems = [*found.broken, *([wrong] if wrong else [])]
    if problems:
        raise VerificationFailed(
            f"links of {subject}",
            "; ".join(problems),
            "look at the file or the page in the set, or leave it out: links_ignored: [...]",
        )


def _follow(incident: Incident, server: Server, plan: SitePlan, name: str) -> LinkFindings:
    estate, site = incident.estate, incident.estate.sites[name]
    first = estate.probe.page(plan.site.smoke[0].url, server.address)
    links = links_of(first.text, first.url, site.domains, site.links_ignored)
    new = _answers(incident, links, server.address)
    broken = [url for url, each in new.items() if not each.good]
    return judge_links(new, _answers(incident, broken, estate.server.address))


def _answers(incident: Incident, urls: Iterable[str], address: str) -> dict[str, Answer]:
    probe = incident.estate.probe
    with ThreadPoolExecutor(max_workers=READERS) as pool:
        pages: Iterable[PageRead] = pool.map(lambda url: probe.page(url, address), urls)
        return {each.url: Answer(each.status, each.observed) for each in pages}


def _login(incident: Incident, server: Server, login: LoginPage) -> str:
    """Return what is wrong with a login page, "" for nothing."""
    page = incident.estate.probe.page(login.url, server.address)
    if not 0 < page.status < 400:
        return f"{login.url}: {page.observed}"
    if not asks_for_password(page.text):
        return f"{login.url}: has no form that asks for a password"
    if login.contains and login.contains not in page.text:
        return f"{login.url}: does not show '{login.contains}'"
    return ""


def _summary(found: LinkFindings, *, login: bool) -> str:
    said = counted(found.followed, "lien ou fichier suivi", "liens et fichiers suivis")
    if found.broken_before:
        known = ", ".join(found.broken_before)
        said += f", déjà en erreur en production : {known}"
    return f"{said} ; la page de connexion demande un mot de passe" if login else said
