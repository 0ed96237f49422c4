"""How commands are wrapped for a server, and what their ends mean."""

from __future__ import annotations

import pytest

from blocks.errors import CommandFailed, ConfigurationError, DeadlineExceeded, DiskFull
from blocks.servers.outcome import Ended, describe, failure, pipe_statuses
from blocks.servers.wrapping import pipe_words, records, remote_line, run_words
from blocks.types import CommandResult, RemoteCommand

SECRET = RemoteCommand(("mariadb-dump", "it's; $HOME"), {"MYSQL_PWD": "pa'ss\nword"})
SOURCE_FAILED = "half\n\ncontinuity-pipe-status 3 0\n"


def ended(status: int, stderr: str = "", *words: str, seconds: float = 1) -> Ended:
    return Ended("web1", words or ("do it",), CommandResult(status, b"", stderr), seconds, 10)


def test_no_secret_is_in_the_words() -> None:
    for line in (
        remote_line(run_words(SECRET), 10),
        remote_line(run_words(SECRET), 10, "dump"),
        remote_line(pipe_words(SECRET, SECRET), 10, "dump"),
    ):
        assert "pa'ss" not in line
        assert "word" not in line.replace("password", "")
    assert records(SECRET.secrets) == b"MYSQL_PWD=pa'ss\nword\0\0"
    assert "pa'ss" not in repr(SECRET)


@pytest.mark.parametrize("secrets", [{"A B": "x"}, {"A": "x\0y"}, {"": "x"}])
def test_secrets_that_are_no_environment_variables_are_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        records(secrets)


@pytest.mark.parametrize("job", ["Up", "a b", "../x", "-a", "a;b"])
def test_job_names_that_systemd_or_a_shell_could_misread_are_refused(job: str) -> None:
    with pytest.raises(ConfigurationError):
        remote_line(("true",), 10, job)


def test_the_server_kills_the_command_itself_after_the_timeout() -> None:
    assert remote_line(("true",), 1.2).startswith("timeout --kill-after=5 2 env ")
    assert "TimeoutStartSec=2" in remote_line(("true",), 1.2, "job")


@pytest.mark.parametrize(
    "stderr",
    [
        "cp: error writing '/srv/x': No space left on device",
        "mariadb-backup: Error writing file '/srv/x' (Errcode: 28 \"No space left on device\")",
        "InnoDB: Operating system error number 28 in a file operation.\nerrno: 28",
        "ERROR 1021 (HY000): Disk full (/srv/x); waiting for someone to free some space",
    ],
)
def test_a_full_disk_is_recognised(stderr: str) -> None:
    error = failure(ended(1, stderr), (0,))
    assert isinstance(error, DiskFull)
    assert "web1" in error.subject
    assert "df -h" in error.hint


def test_a_full_disk_names_the_directory() -> None:
    error = failure(ended(1, "cp: error writing '/srv/x y': No space left on device"), (0,))
    assert error is not None
    assert "df -h /srv/x" in error.hint


def test_an_accepted_status_is_no_failure() -> None:
    assert failure(ended(3, "No space left on device"), (0, 3)) is None


def test_status_and_last_lines_are_told() -> None:
    stderr = "\n".join(f"line {number}" for number in range(30))
    error = failure(ended(7, stderr), (0,))
    assert isinstance(error, CommandFailed)
    assert error.status == 7
    assert error.stderr.splitlines()[-1] == "line 29"
    assert "line 1 " not in str(error)


def test_running_out_of_time_is_not_confused_with_status_124() -> None:
    assert isinstance(failure(ended(124, seconds=10.1), (0,)), DeadlineExceeded)
    assert isinstance(failure(ended(124, seconds=1), (0,)), CommandFailed)


@pytest.mark.parametrize(
    ("source", "sink", "blamed", "spared"),
    [(3, 0, ["A"], ["B"]), (0, 4, ["B"], ["A"]), (3, 4, ["A", "B"], []), (141, 4, ["B"], ["A"])],
)
def test_a_pipe_tells_who_failed(
    source: int, sink: int, blamed: list[str], spared: list[str]
) -> None:
    stderr = f"said\n\ncontinuity-pipe-status {source} {sink}\n"
    error = failure(ended(sink or source, stderr, "A", "B"), (0,))
    assert isinstance(error, CommandFailed)
    assert all(f"`{name}` ended" in error.cause for name in blamed)
    assert not any(f"`{name}` ended" in error.cause for name in spared)
    assert "continuity-pipe-status" not in str(error)


def test_the_line_with_both_statuses_is_taken_out() -> None:
    assert pipe_statuses(SOURCE_FAILED) == ("half\n", (3, 0))
    assert pipe_statuses("other\n") == ("other\n", None)


def test_long_scripts_go_by_their_name() -> None:
    assert describe(("sh", "-c", "x" * 100, "name", "/a b")) == "name '/a b'"
    assert describe(("sh", "-c", "exit 3")) == "sh -c 'exit 3'"
