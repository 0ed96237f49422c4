"""The lab's SMTP server: it takes every message and keeps it as a file, and sends none anywhere."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import ssl
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

MAXIMUM_SIZE = 32 * 2**20
IDLE_SECONDS = 60


class Keeper:
    """Keep each message as `<UTC time>-<number>.eml`; the envelope stands in its first lines."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._number = itertools.count(1)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - named by aiosmtpd
        """Write one message under a temporary name first: a reader never sees half of one."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{next(self._number):04d}"
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        lines = [f"Return-Path: <{envelope.mail_from}>"]
        lines += [f"X-Envelope-To: <{address}>" for address in envelope.rcpt_tos]
        head = "\r\n".join(lines).encode() + b"\r\n"
        temporary = self._directory / f"{name}.part"
        temporary.write_bytes(head + content)
        temporary.rename(self._directory / f"{name}.eml")
        return "250 OK"


async def serve(host: str, port: int, directory: Path, tls: ssl.SSLContext | None) -> None:
    """Receive mail until the process is told to end."""
    directory.mkdir(parents=True, exist_ok=True)
    keeper = Keeper(directory)

    def session() -> SMTP:
        return SMTP(
            keeper,
            hostname="mail.omniweb.test",
            enable_SMTPUTF8=True,
            data_size_limit=MAXIMUM_SIZE,
            timeout=IDLE_SECONDS,
            tls_context=tls,
        )

    server = await asyncio.get_running_loop().create_server(session, host, port)
    async with server:
        await server.serve_forever()


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where messages are kept")
    parser.add_argument("--certificate", type=Path, help="PEM chain; with it, STARTTLS is offered")
    parser.add_argument("--key", type=Path, help="PEM key of the certificate")
    options = parser.parse_args()
    tls = _tls(options.certificate, options.key)
    asyncio.run(serve(options.host, options.port, options.directory, tls))


if __name__ == "__main__":
    main()
