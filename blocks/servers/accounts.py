"""Bring accounts and groups of a lost server to a new one: pure plans of commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blocks.errors import AlreadyExists
from blocks.servers.facts import parse_groups, parse_numbers
from blocks.types import Account

FIRST_PERSONAL_ID = 1000
"""Below are system accounts: their number may differ from machine to machine."""

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """The texts of /etc/passwd, /etc/group and /etc/shadow of one machine."""

    passwd: str
    group: str
    shadow: str = ""


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """Commands that create what is missing, in order."""

    commands: tuple[Command, ...]
    created: tuple[str, ...]


def plan_accounts(subject: str, wanted: Sequence[Account], here: Books) -> AccountPlan:
    """Plan the missing accounts and groups with their numbers.

    A system account whose number is taken gets a free one: nothing but its own package's files
    belongs to it, and those are owned by name. Raises `AlreadyExists` for the others.
    """
    users, groups = parse_numbers(here.passwd), group_numbers(here.group)
    commands: list[Command] = []
    created: list[str] = []
    for account in wanted:
        if account.group not in groups:
            commands.append(_add_group(subject, account.group, account.gid, groups))
        if account.name not in users:
            commands.append(_add_user(subject, account, users, groups))
            created.append(account.name)
    return AccountPlan(tuple(commands), tuple(created))


def _add_group(subject: str, name: str, gid: int, groups: dict[str, int]) -> Command:
    number = _number(subject, "group", name, gid, groups)
    groups[name] = gid if number else -1
    return ("groupadd", *(("-g", str(gid)) if number else ("-r",)), name)


def _add_user(
    subject: str, account: Account, users: dict[str, int], groups: Mapping[str, int]
) -> Command:
    number = _number(subject, "user", account.name, account.uid, users)
    users[account.name] = account.uid if number else -1
    others = tuple(name for name in account.groups if name in groups)
    return (
        "useradd",
        "--no-create-home",
        *(("-u", str(account.uid)) if number else ("-r",)),
        *(("-K", f"UID_MIN={account.uid}") if number and account.uid < FIRST_PERSONAL_ID else ()),
        *("-g", account.group, "-d", account.home, "-s", account.shell),
        *(("-G", ",".join(others)) if others else ()),
        account.name,
    )


def _number(subject: str, kind: str, name: str, number: int, taken: Mapping[str, int]) -> bool:
    """Return whether the number can be given to the name, False if a system one must do without."""
    owner = next((other for other, taken_by in taken.items() if taken_by == number), None)
    if owner is None:
        return True
    if number < FIRST_PERSONAL_ID:
        return False
    raise AlreadyExists(
        f"{kind} {name} on {subject}",
        f"its number {number} already belongs to {owner}",
        f"use a fresh machine, or give {owner} another number there with {kind}mod",
    )


def plan_memberships(lost: Books, here: Books) -> tuple[Command, ...]:
    """Plan the groups and memberships of the lost server that are missing here."""
    users, groups = parse_numbers(here.passwd), parse_groups(here.group)
    numbers = {number for number, _ in groups.values()}
    commands: list[Command] = []
    for name, (gid, members) in parse_groups(lost.group).items():
        known = [member for member in members if member in users]
        if name not in groups and (known or gid >= FIRST_PERSONAL_ID):
            commands.append(("groupadd", *(() if gid in numbers else ("-g", str(gid))), name))
            numbers.add(gid)
        present = groups.get(name, (gid, ()))[1]
        commands += [("gpasswd", "-a", user, name) for user in known if user not in present]
    return tuple(commands)


def plan_hashes(lost: Books, here: Books) -> str:
    """Return lines `user:hash` of passwords that differ here. root's belongs to the machine."""
    old, new = _hashes(lost.shadow), _hashes(here.shadow)
    changed = (
        f"{name}:{value}\n"
        for name, value in old.items()
        if name != "root" and name in new and "$" in value and new[name] != value
    )
    return "".join(changed)


def renumbered(lost: Mapping[str, int], here: Mapping[str, int]) -> str:
    """Return rsync's map `from:to,...` of numbers that mean another name here."""
    pairs = ((number, here[name]) for name, number in lost.items() if name in here)
    return ",".join(f"{old}:{new}" for old, new in pairs if old != new)


def group_numbers(group: str) -> dict[str, int]:
    """Return the number of each group in /etc/group's text."""
    return {name: number for name, (number, _) in parse_groups(group).items()}


def _hashes(shadow: str) -> dict[str, str]:
    rows = (line.split(":") for line in shadow.splitlines() if ":" in line)
    return {row[0]: row[1] for row in rows}
