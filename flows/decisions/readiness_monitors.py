"""Decide whether somebody outside would notice that a site is gone, as monitors' answers say."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urlsplit

from blocks.errors import ContinuityError
from blocks.types import MonitorCondition, MonitorState
from flows.decisions.readiness import Check, State
from flows.decisions.readiness_access import REFUSALS
from flows.decisions.recovery_plan import SiteSpec
from flows.reports.wording import counted

ABOUT = "surveillance"
Answers = Mapping[str, tuple[MonitorState, ...] | ContinuityError]
"""What each monitor elsewhere said when it was asked, by its name, or why it did not."""


def judge_accounts(answers: Answers, address: str) -> Check:
    """Say whether every monitor could be asked, and whether any looks at the server's address.

    A monitor of an address goes on looking at the lost server after a recovery.
    """
    refused = [(n, each) for n, each in answers.items() if isinstance(each, ContinuityError)]
    if refused:
        state = State.UNKNOWN
        if any(isinstance(each, REFUSALS) for _, each in refused):
            state = State.FAILED
        seen = " ; ".join(f"{name} : {each.cause}" for name, each in refused)
        return Check(ABOUT, state, seen, refused[0][1].hint)
    fixed = [_named(n, each) for n, each in _all(answers) if each.page and each.host == address]
    if fixed:
        seen = f"suit l'adresse {address}, qu'une reprise abandonne : {', '.join(fixed)}"
        return Check(ABOUT, State.WARNING, seen, "y surveiller un nom, pas une adresse")
    told = [
        f"{name} ({counted(len(each), 'moniteur')})"
        for name, each in answers.items()
        if not isinstance(each, ContinuityError)
    ]
    return Check(ABOUT, State.READY, ", ".join(told))


def judge_watching(site: SiteSpec, answers: Answers, declared: Collection[str]) -> Check:
    """Say whether a monitor elsewhere looks at a page of a site, and none at a wrong host.

    Args:
        site: Whose pages.
        answers: What the monitors said.
        declared: The host names of all sites of the server.
    """
    ours = hosts_of(site)
    pages = [(name, each) for name, each in _all(answers) if each.page and each.host in ours]
    active = [(n, each) for n, each in pages if each.condition is not MonitorCondition.PAUSED]
    lost = [name for name, each in answers.items() if isinstance(each, ContinuityError)]
    wrong = [f"{each.host} ({n})" for n, each in _all(answers) if _is_astray(each, ours, declared)]
    down = [_named(n, each) for n, each in active if each.condition is MonitorCondition.DOWN]
    paused = [_named(*each) for each in pages]
    aim = f"y surveiller une page de {', '.join(sorted(ours))}"
    if lost and not active:
        seen = f"pas vu : {', '.join(lost)} n'a pas pu être interrogé"
        return Check(ABOUT, State.UNKNOWN, seen, "voir la ligne « surveillance »", site.name)
    if wrong:
        seen = f"vise un nom que la reprise ne déplace pas : {', '.join(wrong)}"
        return Check(ABOUT, State.WARNING, seen, aim, site.name)
    if down:
        seen = f"vu en panne par {', '.join(down)}"
        return Check(ABOUT, State.WARNING, seen, "comparer avec la ligne « pages »", site.name)
    if active:
        names = sorted({name for name, _ in active})
        return Check(ABOUT, State.READY, ", ".join(names), site=site.name)
    if paused:
        seen, hint = f"en pause : {', '.join(paused)}", "remettre en marche (Resume)"
        return Check(ABOUT, State.WARNING, seen, hint, site.name)
    seen = f"aucun moniteur ne regarde une page de ce site ({', '.join(answers)})"
    return Check(ABOUT, State.WARNING, seen, aim, site.name)


def hosts_of(site: SiteSpec) -> set[str]:
    """Return the host names that lead to a site: its domains, and those of its pages."""
    return {*site.domains, *(urlsplit(page.url).hostname or "" for page in site.smoke)} - {""}


def _is_astray(state: MonitorState, ours: Collection[str], declared: Collection[str]) -> bool:
    """Return whether a monitor means this site and looks at a host that no site declares."""
    if not state.page or not state.host or state.host in declared:
        return False
    twin = any(state.host == f"www.{each}" or f"www.{state.host}" == each for each in ours)
    return twin or any(each in state.name.lower().split() for each in ours)


def _all(answers: Answers) -> Iterator[tuple[str, MonitorState]]:
    for name, states in answers.items():
        if not isinstance(states, ContinuityError):
            yield from ((name, each) for each in states)


def _named(account: str, state: MonitorState) -> str:
    return f"« {state.name or state.host} » ({account})"
