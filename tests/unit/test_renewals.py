"""How certificates are renewed: certbot's files as certbot 2.1 writes them, and acme.sh's."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.servers.renewals import COMMAND, parse_renewals, unpacked
from blocks.types import Challenge, Renewal

RECORDED = Path(__file__).resolve().parents[1] / "data/letsencrypt"
ACCOUNT = (
    "/etc/letsencrypt/accounts/acme-v02.api.letsencrypt.org/directory/"
    "5f0c7a2e9b1d4c6e8f3a0b7d2c9e4f61/private_key.json"
)
ACME_SH = """Le_Domain='export.atelier.test'
Le_Alt='no'
Le_Webroot='dns_ovh'
Le_PreHook=''
Le_API='https://acme-v02.api.letsencrypt.org/directory'
Le_Keylength='ec-256'
Le_ReloadCmd='__ACME_BASE64__START_c3lzdGVtY3RsIHJlbG9hZCBuZ2lueA==__ACME_BASE64__END_'
"""


def recorded() -> dict[str, bytes]:
    files = (path for path in RECORDED.rglob("*") if path.is_file())
    return {f"/etc/letsencrypt/{path.relative_to(RECORDED)}": path.read_bytes() for path in files}


def found(name: str) -> Renewal:
    return next(each for each in parse_renewals(recorded()) if each.name == name)


def test_webroot_needs_its_folder_its_account_and_its_own_file() -> None:
    seen = found("boutique.atelier.test")
    assert (seen.challenge, seen.plugin, seen.automatic) == (Challenge.HTTP, "webroot", True)
    assert seen.domains == ("boutique.atelier.test", "www.boutique.atelier.test")
    assert seen.folders == ("/var/www/letsencrypt",)
    assert seen.files == (ACCOUNT, "/etc/letsencrypt/renewal/boutique.atelier.test.conf")
    assert (seen.packages, seen.timer) == (("certbot",), "certbot.timer")
    assert seen.until == datetime(2026, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "challenge", "packages", "file"),
    [
        ("vitrine.atelier.test", Challenge.HTTP, ("certbot", "python3-certbot-nginx"), ""),
        ("journal.atelier.test", Challenge.HTTP, ("certbot",), ""),
        (
            "atelier.test",
            Challenge.DNS,
            ("certbot", "python3-certbot-dns-ovh"),
            "/root/.secrets/ovh.ini",
        ),
        (
            "omniweb.test",
            Challenge.DNS,
            ("certbot", "python3-certbot-dns-rfc2136"),
            "/etc/letsencrypt/rfc2136.ini",
        ),
        ("perdu.atelier.test", Challenge.HTTP, ("certbot",), "/usr/local/bin/acme-hook"),
    ],
)
def test_each_way_needs_its_plugin_and_its_secrets(
    name: str, challenge: Challenge, packages: tuple[str, ...], file: str
) -> None:
    seen = found(name)
    assert (seen.challenge, seen.packages, seen.folders) == (challenge, packages, ())
    assert not file or file in seen.files


def test_what_is_not_renewed_by_itself_is_told() -> None:
    assert not found("vieux.atelier.test").automatic
    assert found("atelier.test").domains == ("*.atelier.test", "atelier.test")
    text = recorded()["/etc/letsencrypt/renewal/perdu.atelier.test.conf"].decode()
    by_hand = text.replace("manual_auth_hook = /usr/local/bin/acme-hook\n", "")
    (seen,) = parse_renewals({"/etc/letsencrypt/renewal/perdu.conf": by_hand.encode()})
    assert (seen.challenge, seen.domains, seen.until) == (Challenge.BY_HAND, ("perdu",), None)


def test_acme_sh_is_read_too() -> None:
    path = "/root/.acme.sh/export.atelier.test_ecc/export.atelier.test.conf"
    csr = {path.replace(".conf", ".csr.conf"): b"[ req_distinguished_name ]\n[ req ]\n"}
    (seen,) = parse_renewals({path: ACME_SH.encode(), **csr})
    assert (seen.tool, seen.challenge, seen.plugin) == ("acme.sh", Challenge.DNS, "dns_ovh")
    assert seen.domains == ("export.atelier.test",)
    assert {path, "/root/.acme.sh/dnsapi/dns_ovh.sh", "/root/.acme.sh/account.conf"} <= set(
        seen.files
    )
    for way, challenge, folders in (
        ("no", Challenge.HTTP, ()),
        ("dns", Challenge.BY_HAND, ()),
        ("/var/www/html", Challenge.HTTP, ("/var/www/html",)),
    ):
        (seen,) = parse_renewals({path: ACME_SH.replace("dns_ovh", way).encode()})
        assert (seen.challenge, seen.folders) == (challenge, folders)


def test_the_command_reads_what_it_needs_and_no_private_key(tmp_path: Path) -> None:
    for path, content in recorded().items():
        place = tmp_path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    archive = tmp_path / "etc/letsencrypt/archive/atelier.test"
    archive.mkdir(parents=True)
    live = tmp_path / "etc/letsencrypt/live/atelier.test"
    (archive / "cert1.pem").write_bytes((live / "cert.pem").read_bytes())
    (live / "cert.pem").unlink()
    (live / "cert.pem").symlink_to("../../archive/atelier.test/cert1.pem")
    (live / "privkey.pem").write_text("secret")
    assert parse_renewals(unpacked(ran(tmp_path))) == parse_renewals(recorded())
    assert not [path for path in unpacked(ran(tmp_path)) if "privkey" in path]


def test_a_server_without_any_of_them_says_so(tmp_path: Path) -> None:
    assert parse_renewals(unpacked(ran(tmp_path))) == ()


def ran(top: Path) -> bytes:
    words = (*COMMAND[:-1], str(top))
    return subprocess.run(words, check=True, capture_output=True, timeout=20).stdout
