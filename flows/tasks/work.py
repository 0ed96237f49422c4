"""The one kind of Prefect task used here: named, never cached, retried only when that may help."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect import task as prefect_task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import task_run
from prefect.tasks import exponential_backoff

from blocks.types import StepRecord, StepState
from flows.tasks.incident import listeners, now

Parameters = ParamSpec("Parameters")
Value = TypeVar("Value")


def only_transient(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only errors that say of themselves that they may pass."""
    error = state.result(raise_on_failure=False)
    return bool(getattr(error, "transient", False))


def convergent_task(
    name: str, retries: int
) -> Callable[[Callable[Parameters, Value]], Task[Parameters, Value]]:
    """Return the decorator that makes a task whose runs are named `name <subject>`."""

    def run_name() -> str:
        return f"{name} {task_run.parameters.get('subject', '')}".strip()

    return prefect_task(
        name=name,
        task_run_name=run_name,
        retries=retries,
        retry_delay_seconds=exponential_backoff(1),
        retry_jitter_factor=0.3,
        retry_condition_fn=only_transient,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def work(
    name: str, *, retries: int = 3
) -> Callable[[Callable[Parameters, Value]], Task[Parameters, Value]]:
    """Turn a function into a task that this process's listeners hear of, without a journal."""

    def decorate(function: Callable[Parameters, Value]) -> Task[Parameters, Value]:
        @wraps(function)
        def heard(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Value:
            subject = kwargs.get("subject", "")
            label, started = (f"{name}-{subject}" if subject else name), now()
            _tell(StepRecord("", 0, label, StepState.STARTED, started))
            try:
                value = function(*args, **kwargs)
            except Exception as error:
                _tell(StepRecord("", 0, label, StepState.FAILED, started, now(), why=str(error)))
                raise
            _tell(StepRecord("", 0, label, StepState.DONE, started, now()))
            return value

        return convergent_task(name, retries)(heard)

    return decorate


def _tell(record: StepRecord) -> None:
    for listener in listeners:
        listener(record)
