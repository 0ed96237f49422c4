"""Certificates on a memory server: certbot's own files, read by the very script of the real one."""

from __future__ import annotations

import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from blocks.servers.renewals import COMMAND
from tests.fakes.memory_machine import MemoryFile, MemoryMachine
from tests.fakes.memory_server import TWINS

LETSENCRYPT = "/etc/letsencrypt"
ACCOUNT = "acme-v02.api.letsencrypt.org/directory/5f0c7a2e9b1d4c6e8f3a0b7d2c9e4f61"
_RECORDED = Path(__file__).resolve().parents[1] / "data/letsencrypt/renewal"
_READ = (f"{LETSENCRYPT}/renewal/", f"{LETSENCRYPT}/live/", "/root/.acme.sh/")


def certify(machine: MemoryMachine, name: str, *, webroot: str = "", days: float = 60) -> None:
    """Let certbot hold a certificate by this recorded name, as on a machine where it is at work."""
    text = (_RECORDED / f"{name}.conf").read_text()
    if webroot:
        text = text.replace("/var/www/letsencrypt", webroot)
    files = {
        f"{LETSENCRYPT}/renewal/{name}.conf": text.encode(),
        f"{LETSENCRYPT}/live/{name}/cert.pem": certificate(name, days),
        f"{LETSENCRYPT}/accounts/{ACCOUNT}/private_key.json": b"{}",
    }
    machine.files |= {path: MemoryFile(content, 0o600) for path, content in files.items()}
    machine.packages += ["certbot", "python3-certbot-nginx"]
    machine.enabled |= {"certbot.timer"}


def certificate(name: str, days: float) -> bytes:
    """Return a certificate in PEM that ends after so many days."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    until = datetime.now(UTC) + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=90))
        .not_valid_after(until)
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _packed(machine: MemoryMachine, argv: tuple[str, ...]) -> bytes | None:
    """Run the script that reads renewals over the machine's files."""
    if argv != COMMAND:
        return None
    with tempfile.TemporaryDirectory() as top:
        for path, file in machine.files.items():
            if path.startswith(_READ):
                place = Path(top) / path.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.content)
        words = (*COMMAND[:-1], top)
        return subprocess.run(words, check=True, capture_output=True, timeout=20).stdout


TWINS.append(_packed)
