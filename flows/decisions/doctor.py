"""Decide, thing by thing of the estate file, whether its credentials are good and enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from blocks.errors import ContinuityError
from blocks.types import Access, KeyRole, SelfTest, SmokeResult
from flows.decisions.immutability import judge
from flows.decisions.readiness_access import ROLES
from flows.reports.wording import counted


class Health(StrEnum):
    """What may be said of a thing."""

    GOOD = "good"
    """Tried, and it may do what it is for."""
    DOUBT = "doubt"
    """It works as far as could be seen; something could not be seen, or is not at its best."""
    BAD = "bad"
    """Refused, or without something that a recovery needs."""
    SILENT = "silent"
    """No answer: nothing is known, so it is not good."""
    UNTRIED = "untried"
    """There is no call that would change nothing."""


RED = (Health.BAD, Health.SILENT)


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of the estate file.

    Attributes:
        section: Where it stands there, such as `zones`.
        name: Its name there; that of its section where there is only one.
        part: Which of its credentials, where it has several, such as `database`.
    """

    section: str
    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Costing:
    """What a thing costs, without VAT; amounts are None when nobody tells them.

    Attributes:
        about: What is bought: server and size, or the offer.
        hour: An hour of a machine.
        month: A month of a machine, or of a TB of storage (`per_tb`).
        read_on: Day of the list that it is from; None for the provider's own price.
        drill: What a drill there costs at most, "" where none is made.
    """

    about: str
    hour: Decimal | None = None
    month: Decimal | None = None
    currency: str = ""
    per_tb: bool = False
    read_on: date | None = None
    drill: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line: a thing, who we are there, what we may do, what is missing or not seen.

    Attributes:
        who: As the other side names us; never a secret.
        may: What was proven, in French.
        missing: What a recovery or a backup needs and is not there, in French.
        doubts: What could not be seen, or could be better, in French.
        hint: What to type or do next, "" when all is well.
    """

    thing: Thing
    health: Health
    who: str = ""
    may: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    costs: tuple[Costing, ...] = ()
    hint: str = ""


def all_good(found: Sequence[Diagnosis]) -> bool:
    """Return whether nothing is red; doubts and what cannot be tried are allowed."""
    return not any(each.health in RED for each in found)


def refused(thing: Thing, error: ContinuityError) -> Diagnosis:
    """Say that a call failed: silent if it may work in a moment, else bad."""
    health = Health.SILENT if error.transient else Health.BAD
    said = f"{error.subject} : {error.cause}"
    return Diagnosis(thing, health, missing=(said,), hint=error.hint)


def untried(thing: Thing, why: str, hint: str) -> Diagnosis:
    """Say why nothing was called."""
    return Diagnosis(thing, Health.UNTRIED, doubts=(why,), hint=hint)


def judged(thing: Thing, seen: Access, *, hint: str, costs: Sequence[Costing] = ()) -> Diagnosis:
    """Weigh what was seen: never good without a right that was seen, or with one that was not."""
    doubts = seen.unseen
    if not (seen.may or seen.missing or doubts):
        doubts = ("droits non visibles",)
    health = Health.BAD if seen.missing else Health.DOUBT if doubts else Health.GOOD
    return Diagnosis(
        thing,
        health,
        seen.who,
        seen.may,
        seen.missing,
        doubts,
        tuple(costs),
        "" if health is Health.GOOD else hint,
    )


@dataclass(frozen=True, slots=True)
class SetsSeen:
    """What a repository holds of one server: sets that opened, and why the others did not."""

    opened: int
    refused: tuple[str, ...] = ()


Keys = Mapping[KeyRole, str | ContinuityError]
"""By role the id of a key that was accepted, or what was said to it."""


def judge_repository(
    thing: Thing,
    keys: Keys,
    sets: Mapping[str, SetsSeen | ContinuityError],
    test: SelfTest | None,
    now: datetime,
) -> Diagnosis:
    """Weigh a repository: each key, the password that opens its sets, and its last self-test.

    Args:
        thing: The repository.
        keys: What was said to each of its keys.
        sets: By server, what was read with the repository's password.
        test: The newest self-test that is kept, None if there never was one.
        now: The time.
    """
    if lost := _silence(keys):
        return refused(thing, lost)
    check = f"continuity repository check {thing.name}"
    proof, hints = _proof(test, now), [check]
    password, more = _password(sets)
    hints = [*more, *_hints(keys), *hints]
    seen = _together(_keys(keys), password, proof)
    return judged(thing, seen, hint=hints[0])


def judge_archive(
    thing: Thing,
    keys: Keys,
    opened: str | ContinuityError,
    test: SelfTest | None,
    now: datetime,
) -> Diagnosis:
    """Weigh an archive: each key, its identity, and its last self-test.

    `opened` is the piece that its identity opened, "" if there was none to open.
    """
    if lost := _silence(keys):
        return refused(thing, lost)
    hints = [*_hints(keys), f"continuity archive check {thing.name}"]
    if isinstance(opened, ContinuityError):
        identity = Access("", missing=(f"identité : {opened.cause}",))
        hints = [*_hints(keys), opened.hint]
    elif opened:
        identity = Access("", ("relire (identité age)",))
    else:
        identity = Access("", unseen=("identité age : rien de récent à ouvrir",))
    seen = _together(_keys(keys), identity, _proof(test, now))
    return judged(thing, seen, hint=hints[0])


def _silence(keys: Keys) -> ContinuityError | None:
    """Return why nothing is known of the keys: none was refused, and one was not answered."""
    errors = [each for each in keys.values() if isinstance(each, ContinuityError)]
    return errors[0] if errors and all(each.transient for each in errors) else None


def _hints(keys: Keys) -> list[str]:
    return [each.hint for each in keys.values() if isinstance(each, ContinuityError)]


def _keys(keys: Keys) -> Access:
    good = {role: each for role, each in keys.items() if not isinstance(each, ContinuityError)}
    missing = tuple(
        f"clé « {ROLES[role]} » : {each.cause}"
        for role, each in keys.items()
        if isinstance(each, ContinuityError)
    )
    who = ", ".join(dict.fromkeys(good.values()))
    may = (f"se connecter ({', '.join(ROLES[role] for role in good)})",) if good else ()
    return Access(who, may, missing)


def _password(sets: Mapping[str, SetsSeen | ContinuityError]) -> tuple[Access, list[str]]:
    """Say whether the password opens what is there, and what to type where it does not."""
    seen = {server: each for server, each in sets.items() if isinstance(each, SetsSeen)}
    opened = sum(each.opened for each in seen.values())
    shut = {server: each.refused for server, each in seen.items() if each.refused}
    doubts = [
        f"jeux de {server} : {each.cause}"
        for server, each in sets.items()
        if isinstance(each, ContinuityError)
    ]
    if shut and not opened:
        server, causes = next(iter(shut.items()))
        missing = (f"mot de passe : aucun jeu de {server} ne s'ouvre ({causes[0]})",)
        return Access("", missing=missing), [f"continuity sets {server}"]
    doubts += [f"{counted(len(each), 'jeu illisible', 'jeux illisibles')} de {server}"
               for server, each in shut.items()]  # fmt: skip
    may = (f"lire {counted(opened, 'jeu', 'jeux')} (mot de passe bon)",) if opened else ()
    if not opened and not doubts:
        doubts.append("mot de passe : aucun jeu à ouvrir encore")
    first = next(iter(shut or sets), "")
    hint = f"continuity {'sets' if opened else 'backup'} {first}".rstrip()
    return Access("", may, unseen=tuple(doubts)), [hint] if doubts else []


def _proof(test: SelfTest | None, now: datetime) -> Access:
    """Say what each key may do besides, as the bucket's self-test proved it."""
    if test is None:
        return Access("", unseen=("droits des clés : jamais essayés",))
    found = judge(test, now)
    if found.proven:
        return Access("", (found.sentence,))
    return Access("", unseen=(found.sentence,))


def _together(*parts: Access) -> Access:
    return Access(
        " ".join(each.who for each in parts if each.who),
        tuple(right for each in parts for right in each.may),
        tuple(right for each in parts for right in each.missing),
        tuple(right for each in parts for right in each.unseen),
    )


def judge_zone(thing: Thing, who: str, names: int) -> Diagnosis:
    """Weigh a zone after the rehearsal of a change of so many names, which was accepted."""
    if not names:
        doubts = ("aucune adresse dans la zone : rien à essayer",)
        return judged(thing, Access(who, unseen=doubts), hint="y créer les noms des sites")
    may = (f"changer {counted(names, 'nom')} (à blanc)",)
    return judged(thing, Access(who, may), hint="")


def judge_look(thing: Thing, seen: SmokeResult) -> Diagnosis:
    """Weigh a vantage point by what it saw of a page."""
    url = seen.check.url
    if seen.passed:
        return judged(thing, Access(seen.address, (f"voir {url}",)), hint="")
    doubts = (f"{url} n'est pas comme déclaré, vu d'ici : {seen.observed}",)
    hint = "si un visiteur voit la page, ce point de vue est en cause : résolveurs, ca_file"
    return judged(thing, Access(seen.address, unseen=doubts), hint=hint)


def judge_login(thing: Thing, said: str, address: str) -> Diagnosis:
    """Weigh a login by what `id` says there: `uid=0(root) gid=0(root) ...`."""
    number, _, rest = said.partition("uid=")[2].partition("(")
    who = f"{rest.partition(')')[0]}@{address}"
    if number == "0":
        return judged(thing, Access(who, ("commander en root",)), hint="")
    missing = ("commander en root : le compte n'en est pas l'égal",)
    return judged(thing, Access(who, missing=missing), hint="ssh: user: root, dans le fichier")
