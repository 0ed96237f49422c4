"""Clients' mailboxes, through an SMTP relay."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from enum import StrEnum
from threading import Lock

from pydantic import Field

from blocks.client_mail.base import ClientMail
from blocks.errors import ContinuityError, DeliveryUnknown, PermissionDenied
from blocks.notify.time_limit import within
from blocks.smtp import SmtpRelay
from blocks.types.clients import ClientMessage


class SmtpClientMail(SmtpRelay, ClientMail):
    """Mail to clients through an SMTP relay that no protected server's loss can take.

    Example:
        ```python
        from blocks.client_mail.smtp import SmtpClientMail

        mail = SmtpClientMail.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Client mail"
    _block_type_slug = "smtp-client-mail"
    _description = "The SMTP relay by which clients are told of an incident."

    reply_to: str = Field(
        default="", title="Reply to", description="Address for answers; the sender's if empty."
    )

    def check(self) -> str:
        """Log in at the relay and name the sender; `RSET` takes it back."""

        def greet() -> None:
            with self._translated(), self._relay() as relay:
                self._introduce(relay)
                relay.rset()

        within(self.timeout_seconds, self._subject, greet)
        return f"{self.host}:{self.port}"

    def place(self) -> str:
        return self.host

    def send(self, message: ClientMessage) -> str:
        reference = f"<{message.id}@{self._domain}>"
        attempt = _Attempt()
        content = self._content(message, reference)
        try:
            within(
                self.timeout_seconds,
                self._subject,
                lambda: self._deliver(message.recipient, content, attempt),
            )
        except ContinuityError as error:
            # Out of time, the thread that is left behind may go on, unless it is told not to.
            stage = attempt.abandon()
            if stage is _Stage.TALKING:
                raise self._unknown() from error
            if stage is not _Stage.TAKEN:
                raise
        return reference

    def _deliver(self, recipient: str, content: bytes, attempt: _Attempt) -> None:
        with self._translated(), self._relay() as relay:
            relay.ehlo_or_helo_if_needed()
            code, _ = relay.mail(parseaddr(self.sender)[1])
            if code != 250:
                raise smtplib.SMTPResponseException(code, b"")
            code, _ = relay.rcpt(recipient)
            if code in (550, 551, 553):
                cause, hint = f"refused the recipient ({code})", "correct it in the estate file"
                raise PermissionDenied(self._subject, cause, hint)
            if code not in (250, 251):
                raise smtplib.SMTPResponseException(code, b"")
            if attempt.begin():
                _hand_over(relay, content, attempt)

    def _content(self, message: ClientMessage, reference: str) -> bytes:
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = " ".join(message.subject.split())
        mail["From"] = self.sender
        mail["To"] = message.recipient
        if self.reply_to:
            mail["Reply-To"] = self.reply_to
        mail["Date"] = format_datetime(datetime.now(UTC))
        mail["Message-ID"] = reference
        # No automatic answers, no "out of office".
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body, cte="quoted-printable")
        return mail.as_bytes()

    def _unknown(self) -> DeliveryUnknown:
        cause = "took the text and did not answer: nobody knows whether it is on its way"
        return DeliveryUnknown(self._subject, cause, "look at the relay's log for the Message-ID")


class _Stage(StrEnum):
    BEFORE = "before"
    ABANDONED = "abandoned"
    TALKING = "talking"
    TAKEN = "taken"
    REFUSED = "refused"


class _Attempt:
    """How far one delivery is, seen by its own thread and by the one that waits for it."""

    def __init__(self) -> None:
        self._stage = _Stage.BEFORE
        self._lock = Lock()

    def begin(self) -> bool:
        """Say that the text goes out now; False if nobody waits any more: then it must not."""
        with self._lock:
            if self._stage is _Stage.BEFORE:
                self._stage = _Stage.TALKING
            return self._stage is _Stage.TALKING

    def end(self, stage: _Stage) -> None:
        with self._lock:
            self._stage = stage

    def abandon(self) -> _Stage:
        """Return how far it is; what has not begun will not."""
        with self._lock:
            if self._stage is _Stage.BEFORE:
                self._stage = _Stage.ABANDONED
            return self._stage


def _hand_over(relay: smtplib.SMTP, content: bytes, attempt: _Attempt) -> None:
    """Send the text; from here on only the relay's own answer says whether it has it."""
    try:
        code, _ = relay.data(content)
    except smtplib.SMTPDataError:
        attempt.end(_Stage.REFUSED)  # it did not ask for the text
        raise
    attempt.end(_Stage.TAKEN if code == 250 else _Stage.REFUSED)
    if code != 250:
        raise smtplib.SMTPResponseException(code, b"")
