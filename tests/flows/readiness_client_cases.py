"""How the ways by which clients are told are broken; see `readiness_cases`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from prefect.blocks.core import Block

from blocks.servers.protected import ClientNews
from blocks.status_pages.git import GitStatusPage
from tests.fakes.memory_client_mail import MemoryClientMail
from tests.flows.readiness_cases import CASES, REFUSED, broken
from tests.flows.ready_world import protected
from tests.flows.world import World

__all__ = ["CASES"]


@contextmanager
def clients_told(world: World, mail: MemoryClientMail, remote: str = "") -> Iterator[None]:
    """Let a relay and a status page be declared; the page's repository is made where none is."""
    with TemporaryDirectory() as folder:
        git = ["git", "init", "--quiet", "--bare", folder]
        subprocess.run(git, check=True, timeout=30)
        blocks: dict[str, Block] = {
            "memory-client-mail/relay": mail,
            "git-status-page/page": GitStatusPage(remote=remote or f"file://{folder}"),
        }
        ways = ClientNews(mail="memory-client-mail/relay", status_page="git-status-page/page")
        with protected(world, blocks, client_news=ways):
            yield


@broken({"courriel aux clients": "ready", "page d'état": "ready"})
@contextmanager
def clients_can_be_told(world: World) -> Iterator[None]:
    with clients_told(world, MemoryClientMail()):
        yield


@broken({"courriel aux clients": "failed", "page d'état": "ready"})
@contextmanager
def the_clients_relay_refuses_us(world: World) -> Iterator[None]:
    mail = MemoryClientMail()
    mail.fail_always(REFUSED)
    with clients_told(world, mail):
        yield


@broken({"courriel aux clients": "ready", "page d'état": "failed"})
@contextmanager
def the_status_page_is_nowhere(world: World) -> Iterator[None]:
    with clients_told(world, MemoryClientMail(), "file:///nowhere.git"):
        yield
