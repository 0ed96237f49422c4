"""Keep how a server's loss was noticed: its state is overwritten when the server is well again."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import TypeAdapter, ValidationError

from blocks.errors import DamagedData, NotFound
from flows.decisions.loss import Loss
from flows.decisions.timeline import Mark
from flows.tasks.incident import Estate

_loss = TypeAdapter(Loss)


def note_loss(
    estate: Estate, since: datetime, *marks: Mark, ended_at: datetime | None = None
) -> None:
    """Add events to a loss, making its document if need be. Idempotent by the events' texts."""
    key = f"{_folder(estate)}{since.astimezone(UTC):%Y%m%dT%H%M%SZ}.json"
    try:
        before = _read(estate, key)
    except NotFound:
        before = Loss(since)
    after = before.noted(*marks)
    if ended_at:
        after = Loss(after.since, after.events, ended_at)
    if after != before:
        estate.state.put(key, _loss.dump_json(after, indent=1))


def losses_of(estate: Estate) -> list[Loss]:
    """Return all losses of a server that were noticed. Raises `DamagedData`."""
    return [_read(estate, each.key) for each in estate.state.list(_folder(estate))]


def _read(estate: Estate, key: str) -> Loss:
    try:
        return _loss.validate_json(estate.state.get(key))
    except ValidationError as error:
        hint = "restore the object's earlier version in the bucket"
        raise DamagedData(key, "tells of no loss", hint) from error


def _folder(estate: Estate) -> str:
    return f"alerts/{estate.name}/loss-"
