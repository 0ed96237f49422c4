"""One mail to one client: a real SMTP server, and the twin in memory, keep the same promises."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as modern

import pytest
from aiosmtpd.controller import Controller

from blocks.client_mail.base import ClientMail
from blocks.client_mail.smtp import SmtpClientMail
from blocks.errors import (
    ConfigurationError,
    ContinuityError,
    DeliveryUnknown,
    PermissionDenied,
    Unavailable,
    Unreachable,
)
from blocks.types.clients import ClientMessage
from tests.contract.notifier_places import Mailboxes, free_port
from tests.fakes.memory_client_mail import MemoryClientMail

MESSAGE = ClientMessage(
    "anne@atelier.test", "Incident\r\nBcc: x@y.test", "Déjà là.\n", "inc.back.1"
)


@pytest.fixture
def boxes() -> Iterator[tuple[Mailboxes, int]]:
    made = Mailboxes()
    controller = Controller(made, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield made, controller.port
    controller.stop()


def relay(port: int, **more: object) -> SmtpClientMail:
    values = {"host": "127.0.0.1", "port": port, "starttls": False, "timeout_seconds": 5,
              "sender": "OmniWeb <pra@omniweb.test>"}  # fmt: skip
    return SmtpClientMail.model_validate(values | more)


class TestBoth:
    @pytest.fixture(params=["memory", "smtp"])
    def mail(self, request: pytest.FixtureRequest, boxes: tuple[Mailboxes, int]) -> ClientMail:
        if request.param == "smtp":
            boxes[0].bad = {"bad@atelier.test"}
            return relay(boxes[1])
        twin = MemoryClientMail()
        twin.refuse("bad@atelier.test")
        return twin

    def test_the_message_id_follows_from_the_message(self, mail: ClientMail) -> None:
        first = mail.send(MESSAGE)
        assert first.startswith("<inc.back.1@")
        assert mail.send(MESSAGE) == first

    def test_a_refused_recipient_is_an_error(self, mail: ClientMail) -> None:
        with pytest.raises(PermissionDenied, match="550"):
            mail.send(ClientMessage("bad@atelier.test", "s", "b", "i"))

    def test_a_look_sends_nothing(self, mail: ClientMail, boxes: tuple[Mailboxes, int]) -> None:
        assert mail.check()
        assert boxes[0].received == []

    def test_a_relay_that_is_gone(self, mail: ClientMail) -> None:
        gone: ClientMail = relay(free_port())
        if isinstance(mail, MemoryClientMail):
            mail.fail_always(Unreachable("memory", "is gone", "remember"))
            gone = mail
        with pytest.raises(Unreachable):
            gone.send(MESSAGE)


class TestSmtp:
    def test_what_a_client_gets(self, boxes: tuple[Mailboxes, int]) -> None:
        reference = relay(boxes[1], reply_to="urgence@omniweb.test").send(MESSAGE)
        ((to, message),) = boxes[0].received
        assert to == message["To"] == "anne@atelier.test"
        assert message["Subject"] == "Incident Bcc: x@y.test"
        assert message["Bcc"] is None
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["Message-ID"] == reference == "<inc.back.1@omniweb.test>"
        assert message["Reply-To"] == "urgence@omniweb.test"
        assert isinstance(message, EmailMessage)
        assert message.get_content().replace("\r\n", "\n") == "Déjà là.\n"

    def test_a_look_shows_a_sender_that_the_relay_does_not_take(
        self, boxes: tuple[Mailboxes, int]
    ) -> None:
        with pytest.raises(PermissionDenied, match="553"):
            relay(boxes[1], sender="else@omniweb.test").check()
        assert boxes[0].received == []

    def test_a_busy_relay_took_nothing(self, boxes: tuple[Mailboxes, int]) -> None:
        boxes[0].busy = True
        with pytest.raises(Unavailable, match="451"):
            relay(boxes[1]).send(MESSAGE)

    def test_without_encryption_nothing_is_sent(self, boxes: tuple[Mailboxes, int]) -> None:
        with pytest.raises(ConfigurationError, match="STARTTLS"):
            relay(boxes[1], starttls=True).send(MESSAGE)
        assert boxes[0].received == []

    @pytest.mark.parametrize("then", ["silence", "hang up"])
    def test_a_relay_that_takes_the_text_and_does_not_answer(self, then: str) -> None:
        with _half_a_relay(then) as port, pytest.raises(DeliveryUnknown, match="nobody knows"):
            relay(port, timeout_seconds=0.7).send(MESSAGE)

    def test_a_relay_that_says_nothing_at_all_has_nothing(self) -> None:
        silent = socket.create_server(("127.0.0.1", 0))
        with silent, pytest.raises(ContinuityError) as caught:
            relay(silent.getsockname()[1], timeout_seconds=0.5).send(MESSAGE)
        assert type(caught.value) is Unreachable

    def test_a_relay_that_refuses_the_text_has_nothing(self) -> None:
        with _half_a_relay("552 too much") as port, pytest.raises(PermissionDenied, match="552"):
            relay(port).send(MESSAGE)


class _half_a_relay:  # noqa: N801 - read as a word of the test
    """A server that takes a whole message and then ends it its own way."""

    def __init__(self, then: str) -> None:
        self._then = then
        self._server = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self.text = b""

    def __enter__(self) -> int:
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._server.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.close()
        assert BytesParser(policy=modern).parsebytes(self.text)["To"] == MESSAGE.recipient

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"220 half\r\n")
            for line in lines:
                if line.upper().startswith(b"DATA"):
                    break
                connection.sendall(b"250 ok\r\n")
            connection.sendall(b"354 go on\r\n")
            for line in lines:
                if line == b".\r\n":
                    break
                self.text += line
            if self._then[0].isdigit():
                connection.sendall(self._then.encode() + b"\r\n")
            if self._then == "silence":
                self._over.wait(10)
