"""Decide how one site's databases go back to a moment on a server that goes on serving."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter, ValidationError

from blocks.errors import DamagedData, UnsafePlan
from blocks.types import (
    AccountRights,
    DatabaseContent,
    LogPoint,
    LogSpan,
    RecoverySet,
    TableContent,
)

_TOLD = ("now", "warnings", "title")
"""Fields of a plan that the digest does not cover: the site goes on while it is read."""


class Stage(StrEnum):
    """How far a change of a site's databases has come."""

    CLOSED = "closed"
    """The site's accounts cannot log in; nothing else was changed."""
    LOADING = "loading"
    """Its databases are being replaced."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class SiteMark:
    """What a run leaves on the server, so that the next one knows how far it came."""

    incident: str
    site: str
    accounts: tuple[str, ...]
    stage: Stage


@dataclass(frozen=True, slots=True)
class SiteSight:
    """What was looked at before anything was done.

    Attributes:
        shared: Other sites of the server that use one of the databases.
        mark: What an earlier run left, None if there is nothing.
    """

    server: str
    site: str
    title: str
    databases: tuple[str, ...]
    chosen: RecoverySet
    wanted: str
    end: LogPoint
    spans: tuple[LogSpan, ...]
    shared: tuple[str, ...]
    notes: tuple[str, ...]
    mark: SiteMark | None


@dataclass(frozen=True, slots=True)
class SiteRestorePlan:
    """All that will be done to one site's databases.

    Attributes:
        end: The last transaction that they will hold.
        accounts: Database accounts of this site alone: closed while it is loaded.
        then, programs: What the databases held at that point, read from the second instance.
        now: What they hold while the plan is made.
    """

    incident: str
    server: str
    site: str
    title: str
    set_id: str
    set_time: datetime
    point: str
    end: LogPoint
    databases: tuple[str, ...]
    accounts: tuple[str, ...]
    then: tuple[TableContent, ...]
    programs: tuple[str, ...]
    now: tuple[TableContent, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 over what will be done."""
        covered = {name: value for name, value in asdict(self).items() if name not in _TOLD}
        text = json.dumps(covered, sort_keys=True, default=str, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def again(self) -> str:
        """The command that goes on with this incident."""
        return f'{command(self.site)} --at "{self.point}" --incident {self.incident}'


@dataclass(frozen=True, slots=True)
class TableChange:
    """How many rows a table has now and would have; None where it does not exist."""

    name: str
    now: int | None
    then: int | None


def command(site: str) -> str:
    """Return the command that an operator types."""
    return f"continuity restore-site {site}"


def own_accounts(
    rights: Sequence[AccountRights], databases: Sequence[str], ours: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the open accounts that work on these databases and on nothing else.

    Args:
        rights: All accounts of the service.
        databases: The site's.
        ours: Accounts that an earlier run closed: they count as open.
    """
    return tuple(
        each.account
        for each in rights
        if each.databases
        and not each.elsewhere
        and {_plain(name) for name in each.databases} <= set(databases)
        and (not each.locked or each.account in ours)
    )


def _plain(pattern: str) -> str:
    """Return the name that a pattern in a right stands for; `%` is left and fits no name."""
    return pattern.replace("\\_", "_").replace("\\%", "%")


def decide_site_restore(
    incident: str,
    seen: SiteSight,
    then: DatabaseContent,
    now: DatabaseContent,
    rights: Sequence[AccountRights],
) -> SiteRestorePlan:
    """Return the plan for all of the site's databases.

    Raises:
        UnsafePlan: One of them did not exist at that point.
    """
    missing = sorted(set(seen.databases) - set(then.databases))
    if missing:
        raise UnsafePlan(
            f"site {seen.site}",
            f"{', '.join(missing)} did not exist at {seen.wanted}",
            f'choose a later point: {command(seen.site)} --at "POINT"',
        )
    left = seen.mark
    ours = left and (left.stage is not Stage.DONE or left.incident == incident)
    accounts = own_accounts(rights, seen.databases, left.accounts if left and ours else ())
    return SiteRestorePlan(
        incident=incident,
        server=seen.server,
        site=seen.site,
        title=seen.title,
        set_id=seen.chosen.id,
        set_time=seen.chosen.consistent_at,
        point=seen.wanted,
        end=seen.end,
        databases=seen.databases,
        accounts=accounts,
        then=then.tables,
        programs=then.programs,
        now=now.tables,
        warnings=_warnings(seen, accounts),
    )


def _warnings(seen: SiteSight, accounts: Sequence[str]) -> tuple[str, ...]:
    found = list(seen.notes)
    found += [f"le site {each} utilise les mêmes bases : il revient aussi" for each in seen.shared]
    if not accounts:
        found.append(
            "aucun compte de base n'est propre à ce site : rien n'empêche d'y écrire pendant le "
            "chargement ; mettez-le en maintenance"
        )
    if seen.mark and seen.mark.stage is Stage.LOADING:
        found.append(
            f"un chargement ({seen.mark.incident}) a été interrompu : les bases sont à demi "
            "remplacées, leur état d'avant est dans les exports de cet incident"
        )
    return tuple(found)


def changes(plan: SiteRestorePlan) -> tuple[TableChange, ...]:
    """Return every table with its rows now and then, those that come or go first."""
    now = {each.name: each.rows for each in plan.now}
    then = {each.name: each.rows for each in plan.then}
    found = (TableChange(name, now.get(name), then.get(name)) for name in {**now, **then})
    return tuple(sorted(found, key=lambda each: (_weight(each), each.name)))


def _weight(change: TableChange) -> int:
    if change.now is None or change.then is None:
        return 0
    return 1 if change.now != change.then else 2


def differing_tables(plan: SiteRestorePlan, loaded: DatabaseContent) -> tuple[str, ...]:
    """Return the tables that exist on both sides with as many rows and another checksum."""
    here = {each.name: each for each in loaded.tables}
    return tuple(
        each.name
        for each in plan.then
        if each.name in here
        and here[each.name].rows == each.rows
        and here[each.name].checksum != each.checksum
    )


def table_problems(plan: SiteRestorePlan, loaded: DatabaseContent) -> tuple[str, ...]:
    """Say which tables lack, are too many, or have another number of rows than they should."""
    then = {each.name: each.rows for each in plan.then}
    here = {each.name: each.rows for each in loaded.tables}
    found = [f"{name} is missing" for name in sorted({*then} - {*here})]
    found += [f"{name} should not be there" for name in sorted({*here} - {*then})]
    found += [
        f"{name} has {here[name]} rows instead of {then[name]}"
        for name in sorted({*then} & {*here})
        if here[name] != then[name]
    ]
    return tuple(found)


def program_problems(plan: SiteRestorePlan, loaded: DatabaseContent) -> tuple[str, ...]:
    """Say which views, routines, triggers and events are not as they should be."""
    different = {*plan.programs} ^ {*loaded.programs}
    return tuple(f"{each} differs" for each in sorted({d.rpartition(" ")[0] for d in different}))


_plans, _marks = TypeAdapter(SiteRestorePlan), TypeAdapter(SiteMark)


def site_plan_from_document(document: Mapping[str, object]) -> SiteRestorePlan:
    """Return the plan that was written to the journal. Raises ValueError if it is none."""
    return _plans.validate_python(document)


def read_mark(text: str) -> SiteMark | None:
    """Read what a run left on the server, None for nothing. Raises `DamagedData`."""
    try:
        return _marks.validate_json(text) if text else None
    except ValidationError as error:
        raise DamagedData(
            "/var/lib/continuity/markers/site-restore",
            "cannot be read",
            "see on the server which accounts are locked (SHOW CREATE USER), then remove the file",
        ) from error


def write_mark(mark: SiteMark) -> str:
    """Return a mark as text."""
    return _marks.dump_json(mark).decode()
