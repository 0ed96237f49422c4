"""An SMTP relay: what every block that sends mail knows of it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parseaddr

from pydantic import BaseModel, Field, SecretStr

from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
    PermissionDenied,
    Unavailable,
    Unreachable,
)

TAKEN = 250
"""SMTP's answer code for what was taken."""


class SmtpRelay(BaseModel):
    """The fields that lead to a relay, the session there, and its answers as our errors."""

    host: str = Field(title="Host", description="The SMTP relay; not one on a protected server.")
    port: int = Field(default=587, ge=1, le=65535, title="Port", description="Port of the relay.")
    starttls: bool = Field(
        default=True,
        title="STARTTLS",
        description="Whether to encrypt; without it nothing is sent.",
    )
    ca_file: str = Field(
        default="",
        title="CA file",
        description="PEM file that vouches for the relay; empty for the system's.",
    )
    username: str = Field(default="", title="User", description="Login at the relay; may be empty.")
    password: SecretStr = Field(
        default=SecretStr(""), title="Password", description="Password at the relay; may be empty."
    )
    sender: str = Field(title="Sender", description="From address, such as PRA <pra@agence.fr>.")
    timeout_seconds: float = Field(
        default=10, gt=0, title="Timeout", description="Seconds that a call may take in all."
    )

    @contextmanager
    def _relay(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context(cafile=self.ca_file or None)
        with smtplib.SMTP(
            self.host, self.port, local_hostname=self._domain, timeout=self.timeout_seconds
        ) as relay:
            if self.starttls:
                relay.starttls(context=context)
            if self.username:
                relay.login(self.username, self.password.get_secret_value())
            yield relay

    def _introduce(self, relay: smtplib.SMTP) -> None:
        """Name the sender of a message that nobody sends; `rset` or the end takes it back."""
        relay.ehlo_or_helo_if_needed()
        code, answer = relay.mail(parseaddr(self.sender)[1])
        if code != TAKEN:
            raise smtplib.SMTPSenderRefused(code, answer, self.sender)

    @property
    def _domain(self) -> str:
        # Given everywhere, because the library would ask the DNS for this machine's full name.
        return parseaddr(self.sender)[1].rpartition("@")[2] or "localhost"

    @property
    def _subject(self) -> str:
        return f"mail relay {self.host} port {self.port}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (smtplib.SMTPException, OSError) as error:
            raise self._error(error) from error

    def _error(self, error: Exception) -> ContinuityError:
        match error:
            case smtplib.SMTPNotSupportedError():
                cause = f"cannot do what is asked for: {error}"
                return ConfigurationError(self._subject, cause, "check port and STARTTLS setting")
            case FileNotFoundError():
                cause = f"the CA file {self.ca_file} does not exist"
                return ConfigurationError(self._subject, cause, "correct ca_file")
            case ssl.SSLError():
                cause = f"no encryption with it: {getattr(error, 'verify_message', error.reason)}"
                return AuthenticationFailed(self._subject, cause, "check host name and CA file")
            case smtplib.SMTPResponseException():
                return self._refused(error)
        cause = f"cannot be reached ({type(error).__name__})"
        return Unreachable(self._subject, cause, f"nc -vz {self.host} {self.port}")

    def _refused(self, error: smtplib.SMTPResponseException) -> ContinuityError:
        """Translate an answer code; the answer's text is left out, it may quote anything."""
        if isinstance(error, smtplib.SMTPAuthenticationError):
            cause = f"refused the login of {self.username} ({error.smtp_code})"
            return AuthenticationFailed(self._subject, cause, "check user name and password")
        if 400 <= error.smtp_code < 500:
            cause = f"cannot take mail now ({error.smtp_code})"
            return Unavailable(self._subject, cause, "look at the relay's log")
        cause = f"refused the message ({error.smtp_code})"
        return PermissionDenied(self._subject, cause, "check the sender address")
