"""Make a Prefect task of one step: named, journaled, retried only when that may help."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from prefect import Task, get_run_logger

from flows.tasks.incident import Incident, StepNote
from flows.tasks.work import convergent_task

Details = ParamSpec("Details")
Value = TypeVar("Value")


def step(
    name: str, *, retries: int = 3
) -> Callable[
    [Callable[Concatenate[Incident, StepNote, Details], Value]],
    Task[Concatenate[Incident, Details], Value],
]:
    """Turn `function(incident, note, ...)` into a task `task(incident, ...)`.

    The step's name in the journal and in Prefect is `name`, or `name-<subject>` when the task is
    called with a keyword `subject`. Nothing is cached: every step looks first and does what is
    missing.
    """

    def decorate(
        function: Callable[Concatenate[Incident, StepNote, Details], Value],
    ) -> Task[Concatenate[Incident, Details], Value]:
        @wraps(function)
        def journaled(incident: Incident, *args: Details.args, **kwargs: Details.kwargs) -> Value:
            subject = str(kwargs.get("subject", ""))
            label = f"{name}-{subject}" if subject else name
            with incident.step(label) as note:
                get_run_logger().info("%s: %s", incident.id, label)
                value = function(incident, note, *args, **kwargs)
            get_run_logger().info(
                "%s: %s", label, "; ".join(p for p in (note.saw, note.did, note.why) if p) or "done"
            )
            return value

        journaled.__signature__ = _without_note(function)  # type: ignore[attr-defined]
        del journaled.__wrapped__
        return convergent_task(name, retries)(journaled)

    return decorate


def _without_note(function: Callable[..., Any]) -> Signature:
    """Return the signature that callers see: Prefect binds parameters by it."""
    seen = signature(function)
    return seen.replace(parameters=[p for p in seen.parameters.values() if p.name != "note"])
