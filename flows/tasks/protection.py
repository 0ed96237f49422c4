"""Look how well the backups of a server are spread; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.archives.base import Archive
from blocks.errors import ContinuityError
from flows.decisions.archive_state import LIMIT, PlaceState
from flows.decisions.protection import (
    ArchiveCopy,
    CopyView,
    Digit,
    archive_protection,
    protection,
)
from flows.tasks.archive_watch_steps import look
from flows.tasks.immutability import archive_immutability
from flows.tasks.incident import Estate
from flows.tasks.look import look_at_copies


def protection_of(estate: Estate, copies: Sequence[CopyView] | None = None) -> tuple[Digit, ...]:
    """Weigh the spread of a server's sets and of its archive, by a look at all of them.

    Args:
        estate: Whose.
        copies: The repositories, if they were looked at just now.
    """
    production = estate.declared.domain.value()
    found = look_at_copies(estate) if copies is None else copies
    digits = protection(estate.name, production, found)
    if estate.archive is None:
        return digits
    state = look.fn(estate, LIMIT)
    places = {each.name: each for each in state.places}
    archives = [
        _copy(estate, name, each, places.get(name, PlaceState(name, None, state.detail)))
        for name, each in estate.archive.archives.items()
    ]
    return (*digits, *archive_protection(production, archives))


def _copy(estate: Estate, name: str, archive: Archive, found: PlaceState) -> ArchiveCopy:
    try:
        proven = archive_immutability(estate, archive).proven
    except ContinuityError:  # a record that cannot be read proves nothing
        proven = None
    return ArchiveCopy(name, archive.failure_domain(), found.reaches, found.problem, proven)
