"""People's mailboxes, through an SMTP relay."""

from __future__ import annotations

import re
import smtplib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr

from pydantic import Field, PrivateAttr

from blocks.errors import PermissionDenied, Unavailable
from blocks.notify.base import Notifier
from blocks.notify.time_limit import within
from blocks.records import Notice
from blocks.smtp import TAKEN, SmtpRelay
from blocks.types import Access

FAILED = "ÉCHEC"
LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|([^>]*))?>")


_FORWARDED, _FOR_GOOD = 251, 500
"""Answer codes of SMTP: taken and passed on, and from where on no is a no."""


class EmailNotifier(SmtpRelay, Notifier):
    """Mailboxes that get the first message, failures and the last word of each incident.

    E-mail cannot be edited, and a mail a step would bury the one that counts. So `post` sends,
    `edit` sends a notice that is `final` (once), `reply` one that `failed`, both as answers to the
    first message; anything else is left out. A reference is the first message's Message-ID. Each
    recipient gets a message of their own.

    Example:
        ```python
        from blocks.notify.email import EmailNotifier

        notifier = EmailNotifier.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "E-mail notifier"
    _block_type_slug = "email-notifier"
    _description = "Mailboxes that get the beginning, the failures and the end of each incident."

    recipients: list[str] = Field(
        min_length=1, title="Recipients", description="Addresses that are told."
    )
    _last_words: dict[str, Notice] = PrivateAttr(default_factory=dict)

    def check(self) -> str:
        """Log in at the relay and name sender and recipients, without a message.

        Raises:
            PermissionDenied: It would not take a message from this sender, or to a recipient.
            Unavailable: It would not take one now.
        """

        def greet() -> None:
            with self._translated(), self._relay() as relay:
                self._offer(relay)

        within(self.timeout_seconds, self._subject, greet)
        return f"{self.host}:{self.port}, {', '.join(self.recipients)}"

    def access(self) -> Access:
        """Say what the relay takes from us: it answers for each address before any message."""
        return Access(self.check(), may=("écrire à chaque destinataire, dit le relais",))

    def post(self, notice: Notice) -> str:
        """Send a new message; return its Message-ID."""
        reference = make_msgid(domain=self._domain)
        self._send(notice, {"Message-ID": reference})
        return reference

    def edit(self, reference: str, notice: Notice) -> None:
        """Send the notice if it is the last word and was not sent yet."""
        if notice.final and self._last_words.get(reference) != notice:
            self._answer(reference, notice)
            self._last_words[reference] = notice

    def reply(self, reference: str, notice: Notice) -> None:
        """Send the notice if it tells of a failure."""
        if notice.failed:
            self._answer(reference, notice)

    def _answer(self, reference: str, notice: Notice) -> None:
        self._send(notice, {"In-Reply-To": reference, "References": reference})

    def _offer(self, relay: smtplib.SMTP) -> None:
        self._introduce(relay)
        codes = {each: relay.rcpt(parseaddr(each)[1])[0] for each in self.recipients}
        relay.rset()
        refused = {each: code for each, code in codes.items() if code not in (TAKEN, _FORWARDED)}
        if not refused:
            return
        cause = "would refuse " + ", ".join(f"{each} ({code})" for each, code in refused.items())
        if max(refused.values()) >= _FOR_GOOD:
            hint = "correct the recipients in the estate file"
            raise PermissionDenied(self._subject, cause, hint)
        raise Unavailable(self._subject, cause, "look at the relay's log")

    def _send(self, notice: Notice, headers: dict[str, str]) -> None:
        """Send to each recipient, whatever happens with the others.

        Raises:
            PermissionDenied: Some recipients were refused; the others have their message.
        """
        within(self.timeout_seconds, self._subject, lambda: self._deliver(notice, headers))

    def _deliver(self, notice: Notice, headers: dict[str, str]) -> None:
        refused = []
        with self._translated(), self._relay() as relay:
            for recipient in self.recipients:
                message = _message(notice, self.sender, recipient, headers)
                try:
                    relay.send_message(message)
                except smtplib.SMTPRecipientsRefused as error:
                    answers = ", ".join(str(code) for code, _ in error.recipients.values())
                    refused.append(f"{recipient} ({answers})")
        if refused:
            cause = f"refused {', '.join(refused)}; the others were told"
            raise PermissionDenied(
                self._subject, cause, "correct the recipients in the estate file"
            )


def _message(notice: Notice, sender: str, recipient: str, headers: dict[str, str]) -> EmailMessage:
    message = EmailMessage()
    headline = " ".join(notice.text.split())
    message["Subject"] = f"{FAILED} — {headline}" if notice.failed else headline
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = format_datetime(datetime.now(UTC))
    # No automatic answers, no "out of office".
    message["Auto-Submitted"] = "auto-generated"
    for name, value in headers.items():
        message[name] = value
    message.set_content("\n\n".join(part for part in (headline, _plain(notice.body)) if part))
    return message


def _plain(body: str) -> str:
    """Return mrkdwn as plain text: links as `label: url`, the rest reads well as it is."""
    return LINK.sub(lambda link: f"{link[2]} : {link[1]}" if link[2] else link[1], body).strip()
