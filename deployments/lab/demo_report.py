"""What the demo saw: the flow's report beside what customers and their orders say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from blocks.servers.base import Server
from blocks.types import Machine
from deployments.lab.config import Lab
from deployments.lab.production import stored_orders
from deployments.lab.visitor_log import Visit, acknowledged_orders, lost_orders, outages, read_log
from flows.reports.outcome_html import outcome_html
from flows.reports.wording import duration
from flows.tasks.first_login import as_it_is_now
from flows.tasks.incident import Estate, open_estate

SERVER = "web1"


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the demo can be asked about.

    Attributes:
        down: For each site, how long visitors saw no page; None if it never came back.
        orders: Confirmed before the disaster, and of these how many are gone.
        newest_lost: From the first lost order to the disaster; zero if none is lost.
    """

    report: dict[str, object]
    down: dict[str, timedelta | None]
    orders: int
    orders_lost: int
    newest_lost: timedelta
    problems: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether the flow says recovered and the customers agree."""
        return self.report["verdict"] == "recovered" and not self.problems


def lost(here: Lab, report: dict[str, object], log: Path, down_since: datetime) -> Seen:
    """Compare the report with the visitors' log and the orders on the restored server."""
    visits = read_log(log.read_text(encoding="utf-8"))
    before = [visit for visit in visits if visit.at <= down_since]
    estate = open_estate(SERVER)
    stored = stored_orders(recovered_server(estate, str(report["incident"])))
    gone = lost_orders(before, stored)
    first = min((visit.at for visit in gone), default=down_since)
    down = _down(visits, down_since)
    return Seen(
        report=report,
        down=down,
        orders=len(acknowledged_orders(before)),
        orders_lost=len(gone),
        newest_lost=down_since - first,
        problems=_problems(report, down, gone),
    )


def table(seen: Seen) -> None:
    """Print the end: per site down for, data lost, smoke result."""
    shown = Table(title=str(seen.report["summary"]), title_justify="left")
    for column in ("Site", "Hors ligne (visiteurs)", "Données perdues", "Contrôle"):
        shown.add_column(column)
    rpo = seen.report["rpo_seconds"]
    loss = duration(timedelta(seconds=float(str(rpo)))) if rpo is not None else "inconnue"
    for site in _sites(seen.report):
        name = str(site["name"])
        shown.add_row(
            str(site["title"]), duration(seen.down.get(name)), loss, str(site["observed"])
        )
    console = Console()
    console.print(shown)
    console.print(f"Commandes confirmées : {seen.orders}, perdues : {seen.orders_lost}")
    for problem in seen.problems:
        console.print(f"[red]NON PROUVÉ[/red] {problem}")


def write_reports(seen: Seen, folder: Path) -> None:
    """Write report.json and report.html."""
    document = seen.report | {
        "down_seconds_for_visitors": {
            name: None if span is None else round(span.total_seconds(), 3)
            for name, span in seen.down.items()
        },
        "orders_confirmed": seen.orders,
        "orders_lost": seen.orders_lost,
        "orders_lost_span_seconds": round(seen.newest_lost.total_seconds(), 3),
        "problems_seen_by_customers": list(seen.problems),
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")
    known = [span for span in seen.down.values() if span is not None]
    extra = {
        "hors ligne au plus, vu par les visiteurs": duration(max(known, default=None)),
        "commandes perdues sur confirmées": f"{seen.orders_lost} / {seen.orders}",
    }
    (folder / "report.html").write_text(outcome_html(seen.report, extra), encoding="utf-8")


def _problems(
    report: dict[str, object], down: dict[str, timedelta | None], gone: tuple[Visit, ...]
) -> tuple[str, ...]:
    found = [f"{name} never came back for visitors" for name, span in down.items() if span is None]
    as_of = report["data_as_of"]
    if as_of is None:
        return (*found, "the age of the restored data is unknown")
    point = datetime.fromisoformat(str(as_of))
    early = [visit for visit in gone if visit.at < point - timedelta(seconds=2)]
    if early:
        found.append(f"{len(early)} orders confirmed before {point} are missing")
    return tuple(found)


def _down(visits: tuple[Visit, ...], since: datetime) -> dict[str, timedelta | None]:
    """Return how long each site was away for visitors after the disaster."""
    spans: dict[str, timedelta | None] = {
        visit.site: timedelta() for visit in visits if visit.kind == "page"
    }
    for outage in outages(visits):
        if outage.first_success is None:
            spans[outage.site] = None
        elif outage.first_success > since and spans[outage.site] is not None:
            spans[outage.site] = outage.first_success - since
    return spans


def recovered_server(estate: Estate, incident: str) -> Server:
    """Return the machine that an incident made."""
    found = [m for p in estate.providers.values() for m in p.find({"incident": incident})]
    return way_in(estate, found[0])


def way_in(estate: Estate, machine: Machine) -> Server:
    """Return the way in to a machine that an incident made."""
    now = as_it_is_now(estate, machine)
    return estate.server.at(now.address, now.host_key)


def _sites(report: dict[str, object]) -> list[dict[str, object]]:
    listed = report["sites"]
    return [dict(each) for each in listed] if isinstance(listed, list) else []
