"""Past drills against their targets, as a table and as pictures (French)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flows.decisions.trend import Practice, Targets
from flows.reports.trend_svg import Mark, promise, trend_svg
from flows.reports.wording import PARIS, duration

SHOWN = 20
"""Drills in the table and the pictures: the newest."""


def trend_markdown(known: Sequence[Practice], targets: Targets) -> str:
    """Return the newest drills as a table, newest first."""
    lines = [
        "| Exercice | Le | Durée de reprise | Données perdues | Tout prouvé |",
        "|---|---|---|---|---|",
        f"| **objectif** | | **{promise(targets.rto)}** | **{promise(targets.rpo)}** | |",
    ]
    for each in reversed(known[-SHOWN:]):
        lines.append(
            f"| `{each.incident}` | {each.at.astimezone(PARIS):%d/%m/%Y} | "
            f"{_against(each.rto, targets.rto)} | {_against(each.rpo, targets.rpo)} | "
            f"{'oui' if each.proven else 'NON'} |"
        )
    return "\n".join(lines)


def trend_pictures(known: Sequence[Practice], targets: Targets) -> tuple[str, str]:
    """Return recovery time and data loss of the newest drills as SVG; at least one drill."""
    shown = known[-SHOWN:]
    rto = [Mark(each.at, each.rto, each.proven) for each in shown]
    rpo = [Mark(each.at, each.rpo, each.proven) for each in shown]
    return (
        trend_svg("Durée de reprise (RTO), exercice par exercice", rto, targets.rto),
        trend_svg("Données perdues (RPO), exercice par exercice", rpo, targets.rpo),
    )


def _against(value: timedelta | None, target: timedelta) -> str:
    said = duration(value)
    return said if value is not None and value <= target else f"**{said}, hors objectif**"
