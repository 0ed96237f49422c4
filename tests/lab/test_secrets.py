"""No secret of the lab ends where others read: command lines, logs, Prefect, journal, Slack."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client

from deployments.lab import storage
from deployments.lab.config import Lab
from deployments.lab.storage_rules import BUCKET, STATE_BUCKET
from tests.lab.story import Recovered, Story

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

PUBLIC = ("ca.pem", ".lock")
ON_SERVERS = ("restic-password", "s3-", "second-", "tsig-key", "slack-token", "prefect-")
ON_SERVERS += ("database-password", "archive-identity")
AGENT_SETTINGS = "/continuity/archive/settings"
OF_THE_AGENT = ("s3-agent-secret-key", "second-agent-secret-key", "database-password")


@pytest.fixture(scope="module")
def secrets(here: Lab) -> dict[str, bytes]:
    """All that must not be seen. Ids of keys and public keys are no secrets."""
    found: dict[str, bytes] = {}
    for path in here.secrets.iterdir():
        if path.suffix == ".pub" or path.name in PUBLIC or path.name.endswith("-access-key"):
            continue
        lines = [line for line in path.read_text().splitlines() if "-----" not in line]
        # Of a key its last whole line: the first one is the same for all keys of a kind.
        value = lines[-2] if len(lines) > 2 else lines[0]
        found[path.name] = value.removeprefix("admin:").encode()
    assert len(found) >= 14
    assert min(len(value) for value in found.values()) >= 20
    return found


def seen(secrets: dict[str, bytes], where: str, content: bytes) -> list[str]:
    return [f"{name} in {where}" for name, value in secrets.items() if value in content]


def test_no_command_line_held_one(
    story: Story, recovered: Recovered, secrets: dict[str, bytes]
) -> None:
    lines = story.commands | recovered.commands
    programs = {line.split(b"\0")[0].rsplit(b"/")[-1] for line in lines}
    assert {b"restic", b"mariadb-dump", b"mariadbd", b"apt-get", b"mbstream"} <= programs, (
        "it sees what runs inside the machines"
    )
    print(f"\n{len(lines)} different command lines")
    assert [found for line in lines for found in seen(secrets, repr(line[:80]), line)] == []


def test_no_file_of_the_lab_holds_one(
    here: Lab, recovered: Recovered, secrets: dict[str, bytes]
) -> None:
    """Logs of all daemons and of the worker's runs, what Slack got, the mails."""
    logs = [path for path in here.logs.rglob("*") if path.is_file()]
    told = [here.state / "slack.json", *(here.state / "mail").rglob("*.eml")]
    assert any(path.stat().st_size for path in logs)
    assert recovered.incident in (here.state / "slack.json").read_text()
    found = [
        each for path in (*logs, *told) for each in seen(secrets, path.name, path.read_bytes())
    ]
    assert found == []


def test_prefects_database_holds_none(
    here: Lab, recovered: Recovered, secrets: dict[str, bytes]
) -> None:
    """Parameters, logs, artifacts, states, and the blocks, which are encrypted in it."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(limit=100)
    assert [run for run in runs if run.parameters.get("server") == "web1"]
    found = []
    rows = 0
    for table, row in _rows(here.state / "prefect" / "prefect.db"):
        rows += 1
        found += seen(secrets, f"table {table}", row)
    assert rows > 500
    assert found == []


def _rows(database: Path) -> Iterator[tuple[str, bytes]]:
    link = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        for (table,) in link.execute(query).fetchall():
            for row in link.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - its own names
                yield table, repr(row).encode()
    finally:
        link.close()


def test_neither_journal_nor_manifest_nor_report_holds_one(
    here: Lab, recovered: Recovered, secrets: dict[str, bytes]
) -> None:
    client = storage.client(here, "worker")
    names, found = [], []
    for bucket, start in ((STATE_BUCKET, ""), (BUCKET, "web1/sets/")):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start)
        for item in (item for page in pages for item in page.get("Contents", ())):
            content = client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            names.append(item["Key"])
            found += seen(secrets, item["Key"], content)
    assert f"incidents/{recovered.incident}/report.json" in names
    assert len(names) > 50
    assert found == []


def test_a_recovered_servers_disk_holds_none(
    here: Lab, recovered: Recovered, secrets: dict[str, bytes]
) -> None:
    ours = {name: value for name, value in secrets.items() if name.startswith(ON_SERVERS)}
    assert len(ours) >= 8
    found, read = [], 0
    for path in (here.state / "machines").glob("*/upper/**/*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 4 * 2**20:
            read += 1
            if not path.is_relative_to(here.state / "machines" / "storage"):
                found += seen(ours, str(path), path.read_bytes())
    assert read > 1000
    # The archive's agent works without us: it keeps a key that only adds, and its account.
    kept = [each for each in found if AGENT_SETTINGS in each]
    assert all(any(name in each for name in OF_THE_AGENT) for each in kept)
    assert [each for each in found if "/names/" not in each and each not in kept] == []
