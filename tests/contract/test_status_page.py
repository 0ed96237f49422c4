"""The status page in a real Git repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from ruamel.yaml import YAML

from blocks.errors import (
    AuthenticationFailed,
    DamagedData,
    DeadlineExceeded,
    NotFound,
    PermissionDenied,
)
from blocks.status_pages.git import GitStatusPage, remote_host
from blocks.types.clients import Language, Severity, StatusIncident, StatusUpdate
from flows.reports.status_page import status_html
from tests.fakes.loopback_sshd import LoopbackSshd, loopback_sshd

AT = datetime(2026, 3, 10, 2, 40, tzinfo=UTC)
DETECTED = StatusUpdate(
    incident="inc-web1-5f6c07fb", key="detected", title="Incident : l'hébergement", began_at=AT,
    severity=Severity.DOWN, affected=("La boutique", "Vitrine"), resolved_at=None,
    heading="Incident constaté", text="Nous préparons la remise en service.", at=AT,
)  # fmt: skip
LATER = AT + timedelta(minutes=9)
CLOSED = replace(DETECTED, key="closed", resolved_at=LATER, heading="Incident clos", text="Fini.",
                 at=LATER)  # fmt: skip
FILE = "content/issues/2026-03-10-inc-web1-5f6c07fb.md"


def render(found: object) -> str:
    assert isinstance(found, tuple)
    return status_html(found, "OmniWeb", Language.FRENCH)


class Remote:
    """A bare repository, and somebody else who works in it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "status.git"
        self.folder = folder
        self.git("init", "-q", "--bare", "--initial-branch=main", str(self.path), at=folder)
        self.page = GitStatusPage(remote=f"file://{self.path}", author="OmniWeb <pra@omniweb.test>")

    def git(self, *words: str, at: Path | None = None) -> str:
        argv = ["git", "-C", str(at or self.path), "-c", "user.name=A", "-c", "user.email=a@b.test"]
        ended = subprocess.run(
            [*argv, *words], check=True, capture_output=True, text=True, timeout=30
        )
        return ended.stdout

    def commits(self) -> list[str]:
        return self.git("log", "--format=%s by %ae", "main").splitlines()

    def content(self, path: str) -> str:
        return self.git("show", f"main:{path}")

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Commit and push as a person would."""
        copy = self.folder / f"copy-{len(list(self.folder.iterdir()))}"
        self.git("clone", "-q", f"file://{self.path}", str(copy), at=self.folder)
        file = copy / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(change(file.read_text() if file.exists() else ""))
        self.git("add", ".", at=copy)
        self.git("commit", "-qm", f"hand: {path}", at=copy)
        self.git("push", "-q", "origin", "HEAD:main", at=copy)


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    return Remote(tmp_path)


def test_an_empty_repository_gets_the_incident_and_the_page(remote: Remote) -> None:
    assert remote.page.publish(DETECTED, render)
    assert remote.commits() == ["Incident : l'hébergement: Incident constaté by pra@omniweb.test"]
    text = remote.content(FILE)
    head = YAML(typ="safe").load(text.split("---\n")[1])
    assert head == {
        "title": "Incident : l'hébergement", "date": "2026-03-10T02:40:00Z", "resolved": False,
        "severity": "down", "affected": ["La boutique", "Vitrine"], "section": "issue",
        "informational": False, "continuity": ["detected"],
    }  # fmt: skip
    assert text.endswith(
        '\n\n*Incident constaté* - Nous préparons la remise en service. '
        '{{< track "2026-03-10T02:40:00Z" >}}\n'
    )  # fmt: skip
    assert "La boutique" in remote.content("public/index.html")


def test_the_same_update_makes_no_second_commit(remote: Remote) -> None:
    remote.page.publish(DETECTED, render)
    assert not remote.page.publish(replace(DETECTED, text="autre", at=LATER), render)
    assert len(remote.commits()) == 1


def test_the_newest_comes_first_and_ends_it(remote: Remote) -> None:
    for update in (DETECTED, CLOSED):
        remote.page.publish(update, render)
    (found,) = remote.page.read()
    assert [each.heading for each in found.paragraphs] == ["Incident clos", "Incident constaté"]
    assert [each.at for each in found.paragraphs] == [LATER, AT]
    assert (found.resolved, found.resolved_at) == (True, LATER)
    assert "Tout fonctionne" in remote.content("public/index.html")


def test_what_people_wrote_stays(remote: Remote) -> None:
    remote.page.publish(DETECTED, render)
    remote.edit(FILE, lambda text: text + "\nUn mot d'Anne.\n")
    remote.edit("content/issues/broken.md", lambda _: "no front matter")
    remote.page.publish(CLOSED, render)
    assert "Un mot d'Anne." in remote.content(FILE)
    assert remote.content("content/issues/broken.md") == "no front matter"
    assert "Un mot d&#39;Anne." in remote.content("public/index.html")


def test_two_who_push_at_once_both_arrive(remote: Remote) -> None:
    remote.page.publish(DETECTED, render)
    raced = []

    def slow(found: tuple[StatusIncident, ...]) -> str:
        if not raced:
            raced.append(True)
            remote.edit("notes.txt", lambda _: "theirs")
        return render(found)

    assert remote.page.publish(CLOSED, slow)  # type: ignore[arg-type]
    assert remote.content("notes.txt") == "theirs"
    assert [each.split(" by")[0] for each in remote.commits()][:2] == [
        "Incident : l'hébergement: Incident clos", "hand: notes.txt",
    ]  # fmt: skip


def test_a_file_that_we_cannot_read_is_not_written_over(remote: Remote) -> None:
    remote.page.publish(DETECTED, render)
    remote.edit(FILE, lambda _: "broken")
    with pytest.raises(DamagedData, match="front matter"):
        remote.page.publish(CLOSED, render)
    assert remote.content(FILE) == "broken"


def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is not there"):
        GitStatusPage(remote=f"file://{tmp_path}/none.git").check()


def test_a_host_that_never_answers_ends_in_time(remote: Remote) -> None:
    hook = remote.path / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexec sleep 5 >/dev/null 2>&1\n")
    hook.chmod(0o755)
    page = remote.page.model_copy(update={"timeout_seconds": 1.5})
    with pytest.raises(DeadlineExceeded):
        page.publish(DETECTED, render)


def test_it_pushes_over_ssh_with_its_key_and_the_pinned_host(
    remote: Remote, tmp_path: Path
) -> None:
    with loopback_sshd(tmp_path) as sshd:
        _push_over_ssh(remote, sshd)


def _push_over_ssh(remote: Remote, sshd: LoopbackSshd) -> None:
    values = {
        "remote": f"ssh://root@127.0.0.1:{sshd.port}{remote.path}",
        "ssh_key": SecretStr(sshd.private_key),
        "host_key": sshd.host_key,
    }
    assert GitStatusPage.model_validate(values).publish(DETECTED, render)
    assert len(remote.commits()) == 1
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    with pytest.raises(AuthenticationFailed, match="another host key"):
        GitStatusPage.model_validate(values | {"host_key": other}).check()
    with pytest.raises(AuthenticationFailed, match="refused the key"):
        GitStatusPage.model_validate(values | {"ssh_key": SecretStr("")}).check()


READ_ONLY = (
    'command="case $SSH_ORIGINAL_COMMAND in git-upload-pack*) sh -c \\"$SSH_ORIGINAL_COMMAND\\";;'
    " *) echo 'ERROR: The key you are authenticating with has been marked as read only.' >&2;"
    ' exit 1;; esac" '
)
"""What a forge does with a deploy key that may only read; the words are GitHub's."""


def test_a_key_that_may_only_read_is_refused_without_a_push(remote: Remote, tmp_path: Path) -> None:
    with loopback_sshd(tmp_path) as sshd:
        values = {
            "remote": f"ssh://root@127.0.0.1:{sshd.port}{remote.path}",
            "ssh_key": SecretStr(sshd.private_key),
            "host_key": sshd.host_key,
        }
        page = GitStatusPage.model_validate(values)
        assert page.check().endswith("not made yet")
        remote.page.publish(DETECTED, render)
        assert page.check().startswith(str(values["remote"]))
        allowed = tmp_path / "authorized_keys"
        allowed.write_text(READ_ONLY + allowed.read_text())
        assert page.read()
        with pytest.raises(PermissionDenied, match="does not let the key push"):
            page.check()
    assert len(remote.commits()) == 1


def test_hosts_of_remotes() -> None:
    for remote, host in (
        ("ssh://git@host.test:2222/a.git", "host.test"), ("git@host.test:a/b.git", "host.test"),
        ("file:///srv/a.git", ""), ("/srv/a.git", ""),
    ):  # fmt: skip
        assert remote_host(remote) == host
