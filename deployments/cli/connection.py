"""Decide where the blocks of a command come from: a Prefect server, or the estate file alone."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_HOME,
    PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)

from blocks import registry
from deployments.estate_file import default_path, load
from deployments.world import provide

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Local = Annotated[
    bool,
    typer.Option(
        "--local", help="Without a Prefect server: everything from the estate file (break-glass)."
    ),
]
EstateFile = Annotated[
    Path | None,
    typer.Option("--estate", help="The estate file; default $CONTINUITY_ESTATE or ./estate.yaml."),
]


@contextmanager
def connected(*, local: bool, estate: Path | None, quiet: bool = False) -> Iterator[bool]:
    """Make blocks and flows usable while the block lasts; say whether by a Prefect server.

    With a Prefect server the saved blocks are used and runs show in its pages. Without one
    (`local`, none configured, or it does not answer) everything comes from the estate file, and a
    private Prefect in a temporary folder carries the run: a recovery must not wait for what may
    have burned.
    """
    why = "asked for" if local else _why_not()
    if not why:
        yield True
        return
    if not quiet:
        print(f"without a Prefect server ({why}): from the estate file", file=sys.stderr)
    registry.provide(provide(load(estate or default_path())))
    with (
        tempfile.TemporaryDirectory(prefix="continuity-") as home,
        temporary_settings(
            {
                PREFECT_API_URL: None,
                PREFECT_API_AUTH_STRING: None,
                PREFECT_HOME: home,
                PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: True,
                PREFECT_SERVER_ANALYTICS_ENABLED: False,
                PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 60,
                PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
                PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW: "ignore",
            }
        ),
    ):
        try:
            yield False
        finally:
            registry.provide({})


def _why_not() -> str:
    """Return why the configured Prefect server cannot be used, "" if it can."""
    url = PREFECT_API_URL.value()
    if not url:
        return "none is configured"
    try:
        httpx.get(f"{url}/health", timeout=3).raise_for_status()
    except httpx.HTTPError as error:
        return f"{url} does not answer: {type(error).__name__}"
    return ""
