"""Harmless real calls that readiness and the doctor share: they ask, and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from blocks.errors import ContinuityError
from blocks.repositories.base import Repository
from blocks.types import KeyRole, Room, Stock
from blocks.vps.base import VpsProvider
from flows.decisions.readiness_machines import RoomView
from flows.decisions.recovery_plan import TargetChoice

Answer = TypeVar("Answer")


def side_by_side(asks: Sequence[Callable[[], Answer]], *, workers: int = 8) -> list[Answer]:
    """Return what each call returns, in their order."""
    with ThreadPoolExecutor(max_workers=workers) as pool:
        # Prefect's settings lie in the context: a new thread would see those of the environment.
        running = [pool.submit(copy_context().run, each) for each in asks]
    return [each.result() for each in running]


def answer_of(ask: Callable[[], Answer]) -> Answer | ContinuityError:
    """Return what is answered, or why nothing is."""
    try:
        return ask()
    except ContinuityError as error:
        return error


def keys_of(repository: Repository) -> dict[KeyRole, str | ContinuityError]:
    """Log in to a repository with each of its keys; return their ids, or what was said to them."""
    return {role: answer_of(partial(repository.check_key, role)) for role in KeyRole}


def room_at(provider: VpsProvider, target: TargetChoice) -> RoomView:
    """Ask what is left for a target."""
    room = answer_of(partial(provider.room, target.size, target.region))
    if isinstance(room, ContinuityError):
        return RoomView(target, Room(Stock.UNKNOWN, ""), room.cause)
    return RoomView(target, room)
