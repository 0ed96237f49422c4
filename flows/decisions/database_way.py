"""Decide whether and how a set's databases come back on a given MariaDB."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from blocks.errors import UnsafePlan
from blocks.types import DatabaseFacts

SERIES = {"11": "10.5", "12": "10.11", "13": "11.8"}
"""MariaDB of each Debian release."""

_SINCE = ((re.compile(r".*_uca1400_.*"), (10, 10)), (re.compile(r".*_0900_.*"), (11, 4)))
"""Collations that came late. MySQL's "0900" ones are understood since 11.4.5."""


NO_REPLAY = "journaux non rejoués après un export SQL : bases telles que dans le jeu"


class Way(StrEnum):
    """How databases come back."""

    PHYSICAL = "physical"
    LOGICAL = "logical"
    IMPOSSIBLE = "impossible"
    ON_MACHINE = "on machine"
    """Not known before the machine is there."""
    NONE = "none"
    """The server has no database."""


@dataclass(frozen=True, slots=True)
class DatabaseWay:
    """How a set's databases come back on a machine, and why so.

    Attributes:
        reason: For people, in French.
        missing: Collations that the machine's MariaDB does not know.
    """

    way: Way
    reason: str
    missing: tuple[str, ...] = ()


def restore_way(then: DatabaseFacts | None, series: str) -> DatabaseWay:
    """Decide how databases that were `then` come back on a MariaDB of this series.

    Args:
        then: The databases when they were saved, None if there are none.
        series: Series there, such as 11.8; "" while it is not known.
    """
    if then is None:
        return DatabaseWay(Way.NONE, "aucune")
    if not series:
        reason = f"copie physique si la machine a MariaDB {then.series}, sinon export SQL"
        return DatabaseWay(Way.ON_MACHINE, f"{reason} : décidé sur la machine")
    origin = f"{product(then.version)} {then.series}"
    if origin == f"MariaDB {series}":
        return DatabaseWay(Way.PHYSICAL, f"copie physique ({origin})")
    change = f"{origin} → MariaDB {series}"
    missing = unknown_collations(then.collations, series)
    if missing:
        reason = f"impossible : {change} ne connaît pas {', '.join(missing)}"
        return DatabaseWay(Way.IMPOSSIBLE, reason, missing)
    return DatabaseWay(Way.LOGICAL, f"export SQL ({change})")


def no_way_back(set_id: str, way: DatabaseWay) -> UnsafePlan:
    """Return the error for databases that a machine cannot take."""
    return UnsafePlan(
        f"databases of set {set_id}",
        f"use collations that the new machine's MariaDB does not know: {', '.join(way.missing)}",
        "add a target with the lost server's release of Debian, or a newer one, to the estate "
        "file, then: continuity estate apply",
    )


def can_replay(ready: DatabaseWay) -> bool:
    """Return whether binary logs may be replayed after it, as far as is known."""
    return ready.way not in (Way.LOGICAL, Way.IMPOSSIBLE)


def point_out_of_reach(server: str, command: str, point: str, reasons: str) -> UnsafePlan:
    """Return the error for a wanted point that cannot be reached, and what to type instead.

    Args:
        server: Whose point.
        command: `recover` or `drill`.
        point: As the operator wrote it.
        reasons: Why not.
    """
    return UnsafePlan(
        f"point in time {point}",
        f"cannot be reached, binary logs are not replayed here: {reasons}",
        f"the set as it is, without --at: continuity {command} {server}; or a provider whose "
        f"machines have the lost server's MariaDB: continuity {command} {server} "
        f'--at "{point}" --target PROVIDER',
    )


def product(version: str) -> str:
    """Tell MariaDB from MySQL by a server's version."""
    return "MariaDB" if "mariadb" in version.lower() else "MySQL"


def unknown_collations(collations: tuple[str, ...], series: str) -> tuple[str, ...]:
    """Return those that a MariaDB of this series does not know."""
    here = tuple(int(part) for part in series.split("."))
    return tuple(
        name
        for name in collations
        if any(late.fullmatch(name) and here < since for late, since in _SINCE)
    )
