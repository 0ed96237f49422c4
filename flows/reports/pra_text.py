"""The recovery document as one page of Markdown (French)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from blocks.types import Contact, Duty, Frequency, RecoverySet
from flows.decisions.machine_needs import restored_size
from flows.decisions.pra import Pra, PraServer
from flows.decisions.pra_changes import place, promise_text
from flows.decisions.pra_missing import missing
from flows.decisions.recovery_plan import RecoveryPlan
from flows.reports.by_hand import by_hand_markdown, hand_server, hands_of, pra_templates
from flows.reports.calendar_text import day
from flows.reports.plan_text import floating_text, ways_text
from flows.reports.protection_text import MARKS
from flows.reports.wording import counted, duration, moment, size

KEPT_VERSIONS = 20
"""So many of the last versions are printed; all of them are kept."""
_FREQUENCIES = {Frequency.DAILY: "chaque jour", Frequency.WEEKLY: "chaque semaine"}
_NOBODY = "personne : voir « À compléter »"


def pra_markdown(pra: Pra) -> str:
    """Return the document; `pra.versions` must hold the present version."""
    environment = pra_templates()
    environment.filters.update(_filters(pra))
    text = environment.get_template("document.md.j2").render(
        pra=pra,
        people=sorted(pra.people, key=lambda each: each.order),
        leaders=_holders(pra, Duty.LEADS),
        deciders=_holders(pra, Duty.DECIDES),
        placed=_placed(pra),
        journals=_journals(pra),
        releases=_releases(pra),
        versions=list(enumerate(pra.versions, 1))[::-1][:KEPT_VERSIONS],
        todo=missing(pra),
        by_hand=by_hand_markdown(hands_of(pra), "### Étape", "####"),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def cell(text: str) -> str:
    """Make a text fit into a cell of a table."""
    return " ".join(text.split()).replace("|", "/")


def _filters(pra: Pra) -> dict[str, Callable[..., Any]]:
    return {
        "moment": moment,
        "day": day,
        "duration": duration,
        "size": size,
        "counted": counted,
        "cell": cell,
        "place": place,
        "mark": MARKS.__getitem__,
        "promise": promise_text,
        "frequency": _FREQUENCIES.__getitem__,
        "names": _names,
        "holders": lambda duty: _names(_holders(pra, Duty(duty))) or _NOBODY,
        "client": partial(_client, pra),
        "measured": partial(_measured, pra),
        "packages": _packages,
        "set_size": _set_size,
        "data_at": _data_at,
        "moves": lambda plan: [move for site in plan.sites for move in site.moves],
        "targets": _targets,
        "floating": floating_text,
        "ways": lambda plan: ways_text(plan.targets, plan.readiness),
    }


def _holders(pra: Pra, duty: Duty) -> list[Contact]:
    return sorted((each for each in pra.people if duty in each.duties), key=lambda who: who.order)


def _names(people: Sequence[Contact]) -> str:
    return ", à défaut ".join(each.name for each in people)


def _placed(pra: Pra) -> list[tuple[PraServer, Any]]:
    pairs = [(server, site) for server in pra.servers for site in server.sites]
    return sorted(pairs, key=lambda pair: (pair[1].priority, pair[1].name))


def _journals(pra: Pra) -> list[str]:
    found = [f"{each.address.endpoint}/{each.address.journal}" for each in pra.repositories]
    return list(dict.fromkeys(found))


def _releases(pra: Pra) -> str:
    known = [
        f"Debian {each.made.server_facts.release} pour {each.name}"
        for each in pra.servers
        if each.made
    ]
    return ", ".join(known)


def _client(pra: Pra, site: str) -> str:
    told = [each for each in pra.clients if site in each.sites]
    found = ", ".join(f"{each.name} ({', '.join(each.emails)})" for each in told)
    return found or "contact à prendre dans le dossier du client"


def _measured(pra: Pra, site: str) -> str:
    last = pra.last(site)
    if last is None:
        return "jamais mesuré"
    trial, took = last
    kind = "reprise réelle" if trial.real else "exercice"
    return f"{duration(took)}, perte {duration(trial.lost)} ({kind} du {day(trial.at)})"


def _packages(server: PraServer) -> str:
    return hand_server(server.name, server.made).packages


def _set_size(made: RecoverySet) -> str:
    return f"{size(restored_size(made))} à ramener"


def _data_at(plan: RecoveryPlan) -> datetime:
    return max(plan.set_time, plan.reaches) if plan.reaches else plan.set_time


def _targets(plan: RecoveryPlan) -> str:
    return " puis ".join(
        f"`{each.provider}` {each.size or 'taille par défaut'}"
        + (f", Debian {each.release}" if each.release else "")
        for each in plan.targets
    )
