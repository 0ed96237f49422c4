"""A status page in a Git repository, in cState's form, with a static page beside it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    DamagedData,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
    ProviderError,
    Unavailable,
    Unreachable,
)
from blocks.status_pages.base import Render, StatusPage
from blocks.status_pages.cstate import FOLDER, path_of, read_incident, with_update
from blocks.types.clients import StatusIncident, StatusUpdate

ATTEMPTS = 5
_RACED = re.compile(r"\[(remote )?rejected\]|fetch first|non-fast-forward|cannot lock ref", re.I)
_ANSWERS: tuple[tuple[re.Pattern[str], type[ContinuityError], str, str], ...] = (
    (re.compile(r"marked as read.only|not allowed to (push|upload)|Permission to \S+ denied", re.I),
     PermissionDenied, "does not let the key push", "give the key the right to write"),
    (re.compile(r"Host key verification failed", re.I), AuthenticationFailed,
     "showed another host key", "compare host_key with: ssh-keyscan HOST"),
    (re.compile(r"Permission denied|Authentication failed|publickey", re.I), AuthenticationFailed,
     "refused the key", "give the key the right to write to the repository"),
    (re.compile(r"Could not resolve|Connection (refused|timed out|closed)|unreachable", re.I),
     Unreachable, "cannot be reached", "check the host and the way there"),
    (re.compile(r"does not (exist|appear to be a git repository)|not found", re.I), NotFound,
     "is not there", "create it, or correct `remote`"),
)  # fmt: skip


class GitStatusPage(StatusPage):
    """A status page whose incidents are files of a Git repository, as cState wants them.

    Each change is a commit on top of what the remote holds; when somebody else pushed meanwhile,
    it is made anew on top of theirs. Nothing is kept here between two calls.

    Example:
        ```python
        from blocks.status_pages.git import GitStatusPage

        page = GitStatusPage.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Git status page"
    _block_type_slug = "git-status-page"
    _description = "A cState status page in a Git repository that is hosted elsewhere."

    remote: str = Field(
        title="Remote", description="ssh://USER@HOST/PATH, USER@HOST:PATH or file:///PATH."
    )
    branch: str = Field(default="main", title="Branch", description="Branch that is published.")
    page: str = Field(
        default="public/index.html",
        title="Page",
        description="Path of the static page in the repository; empty to write none.",
    )
    ssh_key: SecretStr = Field(
        default=SecretStr(""), title="SSH key", description="Private key that may push."
    )
    host_key: str = Field(
        default="", title="Host key", description="Public host key of the remote, pinned."
    )
    author: str = Field(
        default="OmniWeb continuity <continuity@localhost>",
        title="Author",
        description="Name and address in the commits.",
    )
    timeout_seconds: float = Field(
        default=30, gt=0, title="Timeout", description="Seconds that a call may take in all."
    )

    def check(self) -> str:
        with self._clone() as git:
            git.rehearse()
            return f"{self.remote}, {self.branch} {git.head or 'not made yet'}"

    def place(self) -> str:
        return remote_host(self.remote)

    def read(self) -> tuple[StatusIncident, ...]:
        with self._clone() as git:
            return _incidents(git.folder)

    def publish(self, update: StatusUpdate, render: Render) -> bool:
        with self._clone() as git:
            for _ in range(ATTEMPTS):
                if not self._write(git.folder, update, render):
                    return False
                git.run("add", "--force", "--all", ".")
                git.run("commit", "--quiet", "--message", f"{update.title}: {update.heading}")
                if git.push():
                    return True
                git.take()
        raise Unavailable(
            f"repository {self.remote}", "others keep pushing to it", "publish again in a minute"
        )

    def _write(self, folder: Path, update: StatusUpdate, render: Render) -> bool:
        """Write the files; return whether the update was missing."""
        path = folder / path_of(update)
        try:
            before = path.read_text(encoding="utf-8") if path.exists() else ""
            after = with_update(before, update)
        except ValueError as error:
            hint = "mend the file in the repository"
            raise DamagedData(f"{self.remote} {path_of(update)}", str(error), hint) from error
        if after == before:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(after, encoding="utf-8")
        if self.page:
            page = folder / self.page
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(render(_incidents(folder)), encoding="utf-8")
        return True

    @contextmanager
    def _clone(self) -> Iterator[_Clone]:
        with tempfile.TemporaryDirectory(prefix="continuity-status-") as place:
            git = _Clone(self, Path(place), monotonic() + self.timeout_seconds)
            git.take()
            yield git


class _Clone:
    """A throw-away working copy of the branch, driven by the `git` program."""

    def __init__(self, block: GitStatusPage, place: Path, until: float) -> None:
        self._block = block
        self._until = until
        self._place = place
        self.folder = place / "work"
        self.head = ""
        self._environment = self._made_environment()
        self.folder.mkdir()
        self.run("init", "--quiet", f"--initial-branch={block.branch}")

    def take(self) -> None:
        """Make the working copy what the remote holds now; empty as long as it has no branch."""
        remote, branch = self._block.remote, f"refs/heads/{self._block.branch}"
        listed = self.run("ls-remote", "--", remote, branch)
        self.head = listed.split()[0][:12] if listed.strip() else ""
        if not self.head:
            return
        self.run("fetch", "--quiet", "--no-tags", "--depth=1", "--", remote, branch)
        self.run("reset", "--quiet", "--hard", "FETCH_HEAD")

    def push(self) -> bool:
        """Push the commit; return False if somebody else was quicker."""
        target = f"HEAD:refs/heads/{self._block.branch}"
        ended = self._ended("push", "--quiet", "--", self._block.remote, target)
        if ended.returncode == 0:
            return True
        if _RACED.search(ended.stderr):
            return False
        raise self._error("push", ended.stderr)

    def rehearse(self) -> None:
        """Let the remote say whether this key may push; `--dry-run` sends nothing."""
        if not self.head:
            self.run("commit", "--quiet", "--allow-empty", "--message", "rehearsal")
        target = f"HEAD:refs/heads/{self._block.branch}"
        self.run("push", "--dry-run", "--quiet", "--", self._block.remote, target)

    def run(self, *words: str) -> str:
        """Run git in the working copy; return what it printed."""
        ended = self._ended(*words)
        if ended.returncode:
            raise self._error(words[0], ended.stderr)
        return ended.stdout

    def _ended(self, *words: str) -> subprocess.CompletedProcess[str]:
        left = self._until - monotonic()
        try:
            return subprocess.run(
                ["git", "-C", str(self.folder), *words],
                env=self._environment,
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=max(left, 0.001),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            limit = f"took longer than {self._block.timeout_seconds:g} s"
            raise DeadlineExceeded(
                f"repository {self._block.remote}", limit, "check the way there"
            ) from error
        except FileNotFoundError as error:
            raise ConfigurationError("git", "is not installed", "apt-get install git") from error

    def _made_environment(self) -> dict[str, str]:
        """Return what git sees: no settings of this machine, no questions, the key from a file."""
        name, _, address = self._block.author.rpartition("<")
        who = {"NAME": name.strip() or "continuity", "EMAIL": address.rstrip("> ")}
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._place),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": self._ssh(),
            **{
                f"GIT_{role}_{key}": said
                for role in ("AUTHOR", "COMMITTER")
                for key, said in who.items()
            },
        }

    def _ssh(self) -> str:
        known, key = self._place / "known_hosts", self._place / "key"
        host = urlsplit(self._block.remote)
        named = remote_host(self._block.remote)
        port = host.port if "://" in self._block.remote else None
        known.write_text(f"{f'[{named}]:{port}' if port else named} {self._block.host_key}\n")
        words = ["ssh", "-F", os.devnull, "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
        words += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}"]
        if secret := self._block.ssh_key.get_secret_value():
            key.touch(mode=0o600)
            key.write_text(secret)
            words += ["-o", "IdentitiesOnly=yes", "-i", str(key)]
        return shlex.join(words)

    def _error(self, what: str, said: str) -> ContinuityError:
        subject = f"repository {self._block.remote}"
        for pattern, kind, cause, hint in _ANSWERS:
            if pattern.search(said):
                return kind(subject, cause, hint)
        lines = [line for line in said.splitlines() if line.strip()]
        return ProviderError(
            subject, f"git {what} failed: {lines[-1] if lines else 'no word'}", "try it by hand"
        )


def remote_host(remote: str) -> str:
    """Return the host of a Git remote, "" for a path on this machine."""
    if "://" in remote:
        return urlsplit(remote).hostname or ""
    before, colon, _ = remote.partition(":")
    return before.rpartition("@")[2] if colon and "/" not in before else ""


def _incidents(folder: Path) -> tuple[StatusIncident, ...]:
    """Read all incidents, newest first; a file that is not in cState's form is left out."""
    found = []
    for path in sorted((folder / FOLDER).glob("*.md")):
        try:
            found.append(read_incident(path.read_text(encoding="utf-8")))
        except ValueError:
            continue  # people write here too; cState itself says what is wrong with it
    return tuple(sorted(found, key=lambda each: each.began_at, reverse=True))
