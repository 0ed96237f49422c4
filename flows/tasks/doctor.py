"""Look at all things of an estate side by side: a silent one never holds up the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from blocks.errors import ContinuityError
from blocks.notify.time_limit import within
from blocks.repositories.catalogue import Listing
from flows.decisions.doctor import Costing, Diagnosis, Thing, refused
from flows.tasks.doctor_looks import Sets
from flows.tasks.harmless import answer_of, side_by_side

WORKERS = 16
Answer = TypeVar("Answer")
Catalogues = Mapping[tuple[str, str], Callable[[], Listing]]
"""By repository and server how to read the sets that are there."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing, how to look at it once the sets were read, and what it costs whatever is seen."""

    thing: Thing
    look: Callable[[Sets], Diagnosis]
    costs: tuple[Costing, ...] = ()


def diagnose(
    subjects: Sequence[Subject], catalogues: Catalogues, seconds: float
) -> tuple[Diagnosis, ...]:
    """Return what may be said of each thing, in their order.

    Each gets so many seconds; before, each catalogue does.
    """
    reads = [
        partial(_in_time, seconds, f"jeux de {key[1]}", act) for key, act in catalogues.items()
    ]
    read = side_by_side([partial(answer_of, each) for each in reads], workers=WORKERS)
    sets: Sets = dict(zip(catalogues, read, strict=True))
    return tuple(
        side_by_side([partial(_seen, each, sets, seconds) for each in subjects], workers=WORKERS)
    )


def _seen(subject: Subject, sets: Sets, seconds: float) -> Diagnosis:
    try:
        name = f"{subject.thing.section} {subject.thing.name}"
        found = _in_time(seconds, name, partial(subject.look, sets))
    except ContinuityError as error:
        found = refused(subject.thing, error)
    return replace(found, costs=found.costs or subject.costs)


def _in_time(seconds: float, subject: str, act: Callable[[], Answer]) -> Answer:
    # The call's own thread knows neither Prefect's settings nor anything else of this one's.
    return within(seconds, subject, partial(copy_context().run, act))
