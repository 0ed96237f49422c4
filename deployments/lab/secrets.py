"""Make the lab's keys and passwords: one file each, readable by root only, made once."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pyrage
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from blocks.types import HostKey
from blocks.vps.nspawn_launch import file_lock
from deployments.lab.config import Lab

MACHINES_WITH_KEYS = ("web1", "storage", "names")

_PLAIN: dict[str, Callable[[], str]] = {
    "database-password": lambda: secrets.token_urlsafe(24),
    "restic-password": lambda: secrets.token_urlsafe(32),
    "tsig-key": lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
    "archive-identity": lambda: str(pyrage.x25519.Identity.generate()),
    "second-archive-identity": lambda: str(pyrage.x25519.Identity.generate()),
    "alerts-uptimerobot": lambda: secrets.token_urlsafe(32),
    "alerts-pingdom": lambda: secrets.token_urlsafe(32),
    "slack-token": lambda: f"xoxb-{secrets.token_hex(24)}",
    "prefect-auth": lambda: f"admin:{secrets.token_urlsafe(18)}",
    "prefect-encryption-key": lambda: Fernet.generate_key().decode(),
} | {
    f"s3-{user}-{part}-key": (lambda length=length: secrets.token_hex(length))
    for user in ("owner", "worker", "server", "prune", "agent")
    for part, length in (("access", 10), ("secret", 20))
}
_PLAIN |= {"second-restic-password": lambda: secrets.token_urlsafe(32)} | {
    f"second-{user}-{part}-key": (lambda length=length: secrets.token_hex(length))
    for user in ("worker", "server", "agent")
    for part, length in (("access", 10), ("secret", 20))
}


def ensure_secrets(lab: Lab) -> None:
    """Make the secrets that are missing; those that are there stay as they are."""
    lab.secrets.mkdir(parents=True, exist_ok=True)
    lab.secrets.chmod(0o700)
    with file_lock(lab.secrets / ".lock"):
        for name, make in _PLAIN.items():
            if not (lab.secrets / name).exists():
                _write(lab.secrets / name, make() + "\n")
        for name in ("ssh-key", *(f"{machine}-host-key" for machine in MACHINES_WITH_KEYS)):
            _ensure_ssh_key(lab, name)
        _ensure_authority(lab)


def host_key(lab: Lab, machine: str) -> HostKey:
    """Return the SSH host key of a lab machine, made now if there is none."""
    with file_lock(lab.secrets / ".lock"):
        _ensure_ssh_key(lab, f"{machine}-host-key")
    name = f"{machine}-host-key"
    return HostKey(public=lab.secret(f"{name}.pub"), private=lab.secret(name) + "\n")


def issue_certificate(lab: Lab, domains: Sequence[str]) -> tuple[str, str]:
    """Return a certificate chain for the domains, signed by the lab's CA, and its key."""
    authority = x509.load_pem_x509_certificate((lab.secrets / "ca.pem").read_bytes())
    signer = _load_key(lab.secrets / "ca-key.pem")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(domains[0], key, timedelta(days=90))
        .issuer_name(authority.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([_name(each) for each in domains]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    chain = _pem(certificate) + _pem(authority)
    return chain, _key_pem(key)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _ensure_ssh_key(lab: Lab, name: str) -> None:
    private, public = lab.secrets / name, lab.secrets / f"{name}.pub"
    if private.exists() and public.exists():
        return
    key = ed25519.Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    ).decode()
    _write(private, text)
    openssh = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    _write(public, key.public_key().public_bytes(*openssh).decode() + "\n")


def _ensure_authority(lab: Lab) -> None:
    if (lab.secrets / "ca.pem").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(f"OmniWeb lab {lab.name}", key, timedelta(days=3650))
    certificate = (
        builder.issuer_name(_subject(f"OmniWeb lab {lab.name}"))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(lab.secrets / "ca-key.pem", _key_pem(key))
    _write(lab.secrets / "ca.pem", _pem(certificate))


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    name: str, key: ec.EllipticCurvePrivateKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A day back, so that a clock that is a little behind accepts it at once.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(domain: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(IPv4Address(domain))
    except ValueError:
        return x509.DNSName(domain)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - made above
    return key


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
