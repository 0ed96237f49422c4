"""The lab's SMTP receiver as smtplib meets it."""

import email
import email.policy
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1"
    where = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    argv = [*words.split(), *where, "-keyout", str(key), "-out", str(chain)]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    return chain, key


@pytest.fixture
def port(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = int(free.getsockname()[1])
    words = ["--host", "127.0.0.1", "--port", str(number), "--directory", str(tmp_path / "mail")]
    words += ["--certificate", str(certificate[0]), "--key", str(certificate[1])]
    argv = [sys.executable, "-m", "deployments.lab.mail_server", *words]
    with subprocess.Popen(argv) as process:
        try:
            until = time.monotonic() + 20
            while not _accepts(number):
                assert time.monotonic() < until, "the mail server does not start"
                time.sleep(0.05)
            yield number
        finally:
            process.kill()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _message(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "continuite@omniweb.test"
    message["To"] = "anne@omniweb.test"
    message.set_content("Le site répond de nouveau.\n")
    return message


def test_each_message_is_one_file_with_its_envelope(tmp_path: Path, port: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
        for subject in ("Reprise terminée", "Rapport"):
            smtp.send_message(_message(subject), to_addrs=["anne@omniweb.test", "b@omniweb.test"])
    files = sorted((tmp_path / "mail").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    kept = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files
    ]
    assert [message["Subject"] for message in kept] == ["Reprise terminée", "Rapport"]
    assert kept[0].get_content().strip() == "Le site répond de nouveau."
    assert kept[0]["Return-Path"] == "<continuite@omniweb.test>"
    assert kept[0].get_all("X-Envelope-To") == ["<anne@omniweb.test>", "<b@omniweb.test>"]


def test_starttls_is_offered_and_keeps_the_message(
    tmp_path: Path, port: int, certificate: tuple[Path, Path]
) -> None:
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with smtplib.SMTP("localhost", port, timeout=5) as smtp:
        smtp.starttls(context=trust)
        smtp.send_message(_message("chiffré"))
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1
