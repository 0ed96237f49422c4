"""The production server web1: certificates, the tool's account, and proof that its sites answer."""

from __future__ import annotations

import hashlib
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pydantic import SecretStr

from blocks.errors import DeadlineExceeded, NotFound
from blocks.servers.base import Server
from blocks.servers.ssh import SshServer
from deployments.lab.config import Lab
from deployments.lab.production_fingerprint import Fingerprint, compare, fingerprint
from deployments.lab.secrets import issue_certificate
from deployments.lab.visitors import PAGES, Page, fetch

__all__ = [
    "SITES",
    "Fingerprint",
    "ProductionSite",
    "compare",
    "configure",
    "connect",
    "fingerprint",
    "stored_orders",
    "wait_for_sites",
]

SERVICES = ("mariadb", "php8.2-fpm", "cron", "nginx")
_SHORT = timedelta(seconds=60)
_BOOT = timedelta(seconds=60)
_ANSWER_SECONDS = 30.0
_RENEW_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ProductionSite:
    """A site of web1 and the names its certificate is for."""

    name: str
    domains: tuple[str, ...]

    @property
    def certificates(self) -> str:
        """Return the folder that holds its certificate and key."""
        return f"/etc/ssl/sites/{self.name}"


SITES = (
    ProductionSite("journal", ("journal.omniweb.test",)),
    ProductionSite("boutique", ("boutique.atelier.test", "www.atelier.test")),
    ProductionSite("vitrine", ("vitrine.omniweb.test",)),
)


def connect(lab: Lab) -> SshServer:
    """Return web1 as the tool reaches it; nothing is connected yet."""
    return SshServer(
        address=lab.production,
        private_key=SecretStr((lab.secrets / "ssh-key").read_text()),
        host_key=lab.secret("web1-host-key.pub"),
    )


def configure(lab: Lab) -> None:
    """Bring a booted web1 to the state in which it serves its sites; it may be there already.

    Raises:
        DeadlineExceeded: A site does not answer, though its services were started.
    """
    server = connect(lab)
    server.wait_ready(timeout=_BOOT)
    server.run(("systemctl", "start", *SERVICES), timeout=_SHORT)
    set_database_password(server, lab.secret("database-password"))
    renewed = [site for site in SITES if _install_certificate(lab, server, site)]
    if renewed:
        server.run(("systemctl", "reload", "nginx"), timeout=_SHORT)
    wait_for_sites(lab, lab.production)


def set_database_password(server: Server, password: str) -> None:
    """Give the tool's account this password; only its hash travels and is logged."""
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    hashed = hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()
    statements = "".join(
        f"ALTER USER continuity@'{host}' IDENTIFIED VIA mysql_native_password USING '*{hashed}';\n"
        for host in ("localhost", "127.0.0.1")
    )
    server.run(("mariadb",), stdin=statements.encode(), timeout=_SHORT)


def wait_for_sites(lab: Lab, address: str) -> None:
    """Wait until every site answers at the address with a certificate of the lab's authority."""
    context = ssl.create_default_context(cafile=str(lab.secrets / "ca.pem"))
    deadline = time.monotonic() + _ANSWER_SECONDS
    for page in PAGES:
        while (observed := _observe(page, address, context)) != "":
            if time.monotonic() > deadline:
                raise DeadlineExceeded(
                    f"site {page.site} at {address}",
                    f"does not answer: {observed}",
                    "script/lab ssh web1 'systemctl --failed; tail /var/log/nginx/*.error.log'",
                )
            time.sleep(0.2)


def stored_orders(server: Server) -> frozenset[str]:
    """Return the references of the visitors' orders that the shop's database holds."""
    query = b"SELECT reference FROM orders WHERE reference LIKE 'visiteur-%'"
    command = ("mariadb", "--batch", "--skip-column-names", "boutique")
    found = server.run(command, stdin=query, timeout=_SHORT)
    return frozenset(found.stdout.decode().split())


def _observe(page: Page, address: str, context: ssl.SSLContext) -> str:
    """Return what is wrong with a page, "" for nothing."""
    try:
        right, observed, _ = fetch(page, address, context)
    except (OSError, HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    return "" if right else observed


def _install_certificate(lab: Lab, server: Server, site: ProductionSite) -> bool:
    """Put a certificate of the lab's authority in place unless a good one is there."""
    chain = f"{site.certificates}/fullchain.pem"
    authority = x509.load_pem_x509_certificate((lab.secrets / "ca.pem").read_bytes())
    try:
        installed = x509.load_pem_x509_certificate(server.get(chain))
    except NotFound:
        installed = None
    if installed and _is_good(installed, authority, site.domains):
        return False
    fresh, key = issue_certificate(lab, site.domains)
    server.put(f"{site.certificates}/privkey.pem", key.encode(), mode=0o600)
    server.put(chain, fresh.encode(), mode=0o644)
    return True


def _is_good(
    certificate: x509.Certificate, authority: x509.Certificate, domains: tuple[str, ...]
) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (InvalidSignature, ValueError, x509.ExtensionNotFound):
        return False
    covered = set(names.get_values_for_type(x509.DNSName))
    lasts = certificate.not_valid_after_utc - datetime.now(UTC) > _RENEW_BEFORE
    return lasts and covered == set(domains)
