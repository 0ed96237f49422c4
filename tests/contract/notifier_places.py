"""Places where the notifier suites read what people would: memory, the lab's Slack, mailboxes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as modern
from pathlib import Path
from typing import Any

import httpx
from aiosmtpd.smtp import Envelope

from blocks.errors import Unreachable
from blocks.notify.base import Notifier
from blocks.notify.email import EmailNotifier
from blocks.notify.slack import SlackNotifier
from blocks.records import Notice
from tests.fakes.memory_notifier import MemoryNotifier

TOKEN = "xoxb-lab-0123456789"
STARTED = Notice("Reprise de web1 : en cours", "*Plan* : <https://omniweb.test|rapport> & suite")
FAILED = Notice("Base perdue", "Suite : `continuity sets web1`", failed=True)
ENDED = Notice("Reprise de web1 : rétablie en 42 s", "3 sites sur 3", final=True)


@dataclass(frozen=True)
class Seen:
    """What people can read in one place: the message and what hangs below it."""

    message: str
    below: tuple[str, ...]


class PlaceUnderTest(ABC):
    notifier: Notifier
    edits_are_seen = True

    @abstractmethod
    def seen(self) -> list[Seen]:
        """Return every message, oldest first."""

    @abstractmethod
    def gone(self) -> Notifier:
        """Return a notifier of the same kind whose place cannot be reached."""


class InMemory(PlaceUnderTest):
    def __init__(self) -> None:
        self.notifier: MemoryNotifier = MemoryNotifier()

    def seen(self) -> list[Seen]:
        return [
            Seen(_text(thread.notice), tuple(map(_text, thread.replies)))
            for thread in self.notifier.threads
        ]

    def gone(self) -> Notifier:
        notifier = MemoryNotifier()
        notifier.fail_always(Unreachable("memory", "is gone", "remember"))
        return notifier


def _text(notice: Notice) -> str:
    return f"{'ÉCHEC — ' if notice.failed else ''}{notice.text}\n{notice.body}"


class SlackServer:
    """The lab's Slack as a child process."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "token").write_text(TOKEN)
        argv = [sys.executable, "-m", "deployments.lab.slack_server", "--host", "127.0.0.1"]
        argv += ["--port", str(self.port), "--state", str(folder / "state.json")]
        self.process = subprocess.Popen([*argv, "--token-file", str(folder / "token")])
        self._wait()

    def notifier(self, **fields: object) -> SlackNotifier:
        values: dict[str, object] = {"token": TOKEN, "channel": "continuite"}
        return SlackNotifier.model_validate(values | {"base_url": f"{self.url}/api"} | fields)

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/messages").json()["messages"]
        return found

    @contextmanager
    def mode(self, name: str) -> Iterator[None]:
        httpx.post(f"{self.url}/lab/mode", json={"mode": name}).raise_for_status()
        try:
            yield
        finally:
            httpx.post(f"{self.url}/lab/mode", json={"mode": "ok"}).raise_for_status()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)

    def _wait(self) -> None:
        deadline = time.monotonic() + 20
        while True:
            assert self.process.poll() is None, "the Slack server ended"
            try:
                httpx.get(f"{self.url}/messages", timeout=1)
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "the Slack server does not answer"
                time.sleep(0.05)
            else:
                return


class Slack(PlaceUnderTest):
    def __init__(self, server: SlackServer) -> None:
        self.server = server
        self.notifier: SlackNotifier = server.notifier()
        self._earlier = len(server.messages())

    def seen(self) -> list[Seen]:
        found = self.server.messages()[self._earlier :]
        return [
            Seen(_shown(root), tuple(_shown(m) for m in found if m["thread"] == root["ts"]))
            for root in found
            if not root["thread"]
        ]

    def gone(self) -> Notifier:
        return self.server.notifier(base_url=f"http://127.0.0.1:{free_port()}/api/")


def _shown(message: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in message["blocks"])


@dataclass
class Mailboxes:
    """An SMTP server that keeps what it gets, by recipient; `bad` ones are refused."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)
    busy: bool = False

    async def handle_RCPT(  # noqa: N802 - named by aiosmtpd
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        if address in self.bad:
            return "550 unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(  # noqa: N802 - named by aiosmtpd
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        if self.busy:
            return "451 later"
        if address != "pra@omniweb.test":
            return "553 not from here"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - named by aiosmtpd
        self, _server: object, _session: object, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        message = BytesParser(EmailMessage, policy=modern).parsebytes(envelope.content)
        self.received += [(address, message) for address in envelope.rcpt_tos]
        return "250 OK"


class Mail(PlaceUnderTest):
    edits_are_seen = False

    def __init__(self, port: int, boxes: Mailboxes) -> None:
        self.port, self.boxes = port, boxes
        self.notifier: EmailNotifier = self.block()

    def block(self, **fields: object) -> EmailNotifier:
        values: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "starttls": False,
            "sender": "PRA OmniWeb <pra@omniweb.test>",
            "recipients": ["astreinte@omniweb.test"],
        }
        return EmailNotifier.model_validate(values | fields)

    def seen(self) -> list[Seen]:
        mails = [message for _, message in self.boxes.received]
        return [
            Seen(
                _read(root),
                tuple(_read(m) for m in mails if m["In-Reply-To"] == root["Message-ID"]),
            )
            for root in mails
            if not root["In-Reply-To"]
        ]

    def gone(self) -> Notifier:
        return self.block(port=free_port())


def _read(message: EmailMessage) -> str:
    return f"{message['Subject']}\n{message.get_content()}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
