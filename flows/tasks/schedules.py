"""What runs by itself and when, as prefect.yaml says it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from flows.decisions.pra import Job
from flows.reports.calendar_text import cron_text

FILE = Path(__file__).resolve().parents[2] / "prefect.yaml"


def jobs(file: Path = FILE) -> tuple[Job, ...]:
    """Return every deployment that has an active schedule, in the order of the file."""
    project = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return tuple(
        Job(_title(deployment), cron_text(str(schedule["cron"])))
        for deployment in project["deployments"]
        for schedule in deployment["schedules"]
        if schedule.get("active", True)
    )


def _title(deployment: Mapping[str, Any]) -> str:
    """Return the heading of a deployment's description: its name for people."""
    first = str(deployment["description"]).strip().splitlines()[0]
    return first.removeprefix("#").strip()
