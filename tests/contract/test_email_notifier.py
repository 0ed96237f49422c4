"""What only e-mail has: recipients, relays that refuse, encryption and login."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    PermissionDenied,
    Unavailable,
    Unreachable,
)
from blocks.notify.email import EmailNotifier
from blocks.records import Notice
from tests.contract.authority import Authority
from tests.contract.notifier_places import STARTED, Mail, Mailboxes, free_port


@pytest.fixture
def mail() -> Iterator[Mail]:
    boxes = Mailboxes()
    controller = Controller(boxes, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield Mail(controller.port, boxes)
    controller.stop()


class TestMail:
    def test_each_recipient_gets_a_message_of_their_own(self, mail: Mail) -> None:
        people = ["un@omniweb.test", "deux@omniweb.test"]
        mail.block(recipients=people).post(STARTED)
        assert [(to, message["To"]) for to, message in mail.boxes.received] == [
            (person, person) for person in people
        ]

    def test_one_bad_recipient_does_not_keep_the_others_from_knowing(self, mail: Mail) -> None:
        mail.boxes.bad = {"bad@omniweb.test"}
        block = mail.block(recipients=["bad@omniweb.test", "good@omniweb.test"])
        with pytest.raises(PermissionDenied, match=r"bad@omniweb\.test \(550\)"):
            block.post(STARTED)
        assert [to for to, _ in mail.boxes.received] == ["good@omniweb.test"]

    def test_steps_that_went_well_send_nothing(self, mail: Mail) -> None:
        reference = mail.notifier.post(STARTED)
        mail.notifier.reply(reference, Notice("machine faite"))
        mail.notifier.edit(reference, Notice("à mi-chemin"))
        assert len(mail.boxes.received) == 1

    def test_the_subject_is_one_line(self, mail: Mail) -> None:
        mail.notifier.post(Notice("première\r\nBcc: tous@omniweb.test", failed=True))
        ((_, message),) = mail.boxes.received
        assert message["Subject"] == "ÉCHEC — première Bcc: tous@omniweb.test"
        assert message["Bcc"] is None

    def test_a_busy_relay(self, mail: Mail) -> None:
        mail.boxes.busy = True
        with pytest.raises(Unavailable, match="451"):
            mail.notifier.post(STARTED)

    def test_a_sender_that_is_not_allowed(self, mail: Mail) -> None:
        with pytest.raises(PermissionDenied, match="553"):
            mail.block(sender="else@omniweb.test").post(STARTED)

    def test_a_check_finds_who_would_be_refused_and_sends_nothing(self, mail: Mail) -> None:
        there = mail.notifier.recipients
        mail.notifier.check()
        mail.boxes.bad = {there[0]}
        with pytest.raises(PermissionDenied, match=f"would refuse {there[0]} .550."):
            mail.notifier.check()
        mail.boxes.bad = set()
        with pytest.raises(PermissionDenied, match="553"):
            mail.block(sender="else@omniweb.test").check()
        mail.boxes.busy = True
        with pytest.raises(Unavailable, match="451"):
            mail.notifier.check()
        assert mail.boxes.received == []

    def test_a_relay_without_encryption_gets_nothing(self, mail: Mail) -> None:
        with pytest.raises(ConfigurationError, match="STARTTLS"):
            mail.block(starttls=True).post(STARTED)
        assert mail.boxes.received == []

    def test_a_relay_that_says_nothing(self, mail: Mail) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            block = mail.block(port=silent.getsockname()[1], timeout_seconds=0.5)
            began = time.monotonic()
            with pytest.raises(Unreachable):
                block.post(STARTED)
        assert time.monotonic() - began < 8


class TestEncryptedMail:
    @pytest.fixture
    def relay(self, tmp_path: Path) -> Iterator[Mail]:
        authority = Authority(tmp_path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("127.0.0.1"))
        boxes = Mailboxes()
        controller = Controller(
            boxes,
            hostname="127.0.0.1",
            port=free_port(),
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=_authenticated,
        )
        controller.start()
        yield Mail(controller.port, boxes)
        controller.stop()

    def block(self, relay: Mail, tmp_path: Path, **fields: object) -> EmailNotifier:
        values = {"starttls": True, "ca_file": str(tmp_path / "ca.pem")}
        return relay.block(**values | {"username": "pra", "password": "right"} | fields)

    def test_sends_with_a_login(self, relay: Mail, tmp_path: Path) -> None:
        self.block(relay, tmp_path).post(STARTED)
        assert len(relay.boxes.received) == 1

    @pytest.mark.parametrize(
        ("fields", "error", "says"),
        [
            ({"password": "wrong-password"}, AuthenticationFailed, "login of pra"),
            ({"ca_file": ""}, AuthenticationFailed, "certificate|issuer"),
            ({"ca_file": "/nowhere/ca.pem"}, ConfigurationError, "/nowhere/ca.pem"),
        ],
    )
    def test_names_what_is_wrong(
        self,
        relay: Mail,
        tmp_path: Path,
        fields: dict[str, object],
        error: type[ContinuityError],
        says: str,
    ) -> None:
        with pytest.raises(error, match=says) as caught:
            self.block(relay, tmp_path, **fields).post(STARTED)
        assert "wrong-password" not in str(caught.value)
        assert relay.boxes.received == []


def _authenticated(
    _server: object, _session: object, _envelope: object, _mechanism: str, login: LoginPassword
) -> AuthResult:
    return AuthResult(success=(login.login, login.password) == (b"pra", b"right"), handled=False)
