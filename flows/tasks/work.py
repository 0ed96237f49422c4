"""The one kind of Prefect task used here: named, never cached, retried only when that may help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task
from prefect import task as prefect_task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture
from prefect.runtime import task_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import exponential_backoff

from blocks.records import StepRecord, StepState
from flows.tasks.incident import listeners, now

Future = PrefectFuture[Any]
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


def submit(
    task: Task[..., Any], *args: object, after: Sequence[Future] = (), **kwargs: object
) -> Future:
    """Queue a task to run once those before it ended well; return what it will give."""
    return task.submit(*args, wait_for=list(after), return_state=False, **kwargs)


def side_by_side(workers: int) -> TaskRunner[Future]:
    """Return a runner for this many tasks at once.

    A queued task holds a worker while it waits for those before it. Tasks start in the order in
    which they are queued, so queue every task after those that it waits for: then one of the
    workers always has something to do.
    """
    return cast(TaskRunner[Future], ThreadPoolTaskRunner(max_workers=workers))


def _tell(record: StepRecord) -> None:
    for listener in listeners:
        listener(record)
