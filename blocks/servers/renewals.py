"""Read how a server's certificates are renewed: certbot's and acme.sh's own files."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509

from blocks.errors import ProviderError
from blocks.servers.base import Server
from blocks.types import Challenge, Renewal

_SHORT = timedelta(seconds=30)
_SCRIPT = """
cd "$1" && {
  ls -d etc/letsencrypt/renewal/*.conf etc/letsencrypt/live/*/cert.pem \\
        root/.acme.sh/*/*.conf root/.acme.sh/*/*.cer 2>/dev/null || true
} | tar --create --dereference --ignore-failed-read --files-from=- --file=-
"""
COMMAND = ("sh", "-c", _SCRIPT, "renewals", "/")
"""No private key and no file of credentials is read."""

_CERTBOT = "/etc/letsencrypt/renewal/"
_ACME_SH = "/root/.acme.sh"
_OF_HTTP = ("webroot", "nginx", "apache", "standalone")
_PLUGIN_PACKAGES = ("nginx", "apache")

Settings = Mapping[str, str]


def renewals_of(server: Server) -> tuple[Renewal, ...]:
    """Return what the server renews by itself, by tool and name; changes nothing."""
    packed = server.run(COMMAND, timeout=_SHORT).stdout
    try:
        return parse_renewals(unpacked(packed))
    except (tarfile.TarError, ValueError) as error:
        raise ProviderError(
            f"certificates of server {server.address}",
            f"the files of their renewal cannot be read ({type(error).__name__})",
            "on it: certbot certificates",
        ) from error


def unpacked(packed: bytes) -> dict[str, bytes]:
    """Return the files in a tar archive by absolute path."""
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                found[f"/{member.name}"] = content.read()
    return found


def parse_renewals(files: Mapping[str, bytes]) -> tuple[Renewal, ...]:
    """Read the tools' own files; one that is of another kind is left out."""
    found = (*_certbot_ones(files), *_acme_sh_ones(files))
    return tuple(sorted(found, key=lambda each: (each.tool, each.name)))


# --- certbot ---


def _certbot_ones(files: Mapping[str, bytes]) -> Iterator[Renewal]:
    for path, content in files.items():
        if path.startswith(_CERTBOT):
            name = path.removeprefix(_CERTBOT).removesuffix(".conf")
            top, params, webroots = _sections(content.decode(errors="replace"))
            yield _certbot_one(name, path, {**top, **params}, webroots, files)


def _certbot_one(
    name: str, path: str, said: Settings, webroots: Settings, files: Mapping[str, bytes]
) -> Renewal:
    plugin = said.get("authenticator", "")
    names, until = _certificate(files.get(said.get("cert", ""), b""))
    listed = (part.strip() for part in said.get("webroot_path", "").split(","))
    folders = {*webroots.values(), *listed} - {""} if plugin == "webroot" else set[str]()
    return Renewal(
        name=name,
        tool="certbot",
        domains=names or tuple(sorted(webroots)) or (name,),
        challenge=_certbot_challenge(plugin, said),
        plugin=plugin,
        automatic=said.get("autorenew", "True") != "False",
        files=tuple(sorted(_certbot_files(path, said))),
        folders=tuple(sorted(folders)),
        packages=tuple(sorted(_certbot_packages(plugin, said.get("installer", "")))),
        timer="certbot.timer",
        until=until,
    )


def _certbot_challenge(plugin: str, said: Settings) -> Challenge:
    if plugin == "manual" and "manual_auth_hook" not in said:
        return Challenge.BY_HAND
    if plugin == "manual":
        return Challenge.DNS if "dns" in said.get("pref_challs", "") else Challenge.HTTP
    if plugin in _OF_HTTP:
        return Challenge.HTTP
    return Challenge.DNS if "dns" in plugin else Challenge.UNKNOWN


def _certbot_files(path: str, said: Settings) -> Iterator[str]:
    yield path
    server = urlsplit(said.get("server", ""))
    if account := said.get("account", ""):
        folder = said.get("config_dir", "/etc/letsencrypt")
        yield f"{folder}/accounts/{server.netloc}{server.path}/{account}/private_key.json"
    for key, value in said.items():
        if key.startswith("dns_") and key.endswith("_credentials"):
            yield value
        if key in ("manual_auth_hook", "manual_cleanup_hook") and value.startswith("/"):
            yield value.split()[0]


def _certbot_packages(plugin: str, installer: str) -> Iterator[str]:
    yield "certbot"
    for each in {plugin, installer}:
        if each in _PLUGIN_PACKAGES or each.startswith("dns-"):
            yield f"python3-certbot-{each}"


def _sections(text: str) -> tuple[Settings, Settings, Settings]:
    """Return the settings above all sections, of [renewalparams], and of [[webroot_map]]."""
    found: dict[str, dict[str, str]] = {"": {}}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
            found.setdefault(section, {})
        elif "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[section][key.strip()] = value.strip()
    return found[""], found.get("renewalparams", {}), found.get("webroot_map", {})


# --- acme.sh ---


def _acme_sh_ones(files: Mapping[str, bytes]) -> Iterator[Renewal]:
    for path, content in files.items():
        said = _assignments(content.decode(errors="replace")) if path.endswith(".conf") else {}
        if path.startswith(_ACME_SH) and "Le_Domain" in said:
            yield _acme_sh_one(path, said, files)


def _acme_sh_one(path: str, said: Settings, files: Mapping[str, bytes]) -> Renewal:
    domain, ways = said["Le_Domain"], said.get("Le_Webroot", "").split(",")
    others = [each for each in said.get("Le_Alt", "").split(",") if each not in ("", "no")]
    names, until = _certificate(files.get(path.rpartition("/")[0] + f"/{domain}.cer", b""))
    scripts = [f"{_ACME_SH}/dnsapi/{way}.sh" for way in ways if way.startswith("dns_")]
    needed = (f"{_ACME_SH}/acme.sh", f"{_ACME_SH}/account.conf", "/var/spool/cron/crontabs/root")
    return Renewal(
        name=domain,
        tool="acme.sh",
        domains=names or (domain, *others),
        challenge=_acme_sh_challenge(ways[0]),
        plugin=ways[0],
        automatic=True,
        files=tuple(sorted({path, *needed, *scripts})),
        folders=tuple(sorted({way for way in ways if way.startswith("/")})),
        packages=(),
        timer="",
        until=until,
    )


def _acme_sh_challenge(way: str) -> Challenge:
    """Tell from the first way: a folder, no (standalone), nginx:, apache, dns (by hand), dns_…."""
    if way == "dns":
        return Challenge.BY_HAND
    return Challenge.DNS if way.startswith("dns_") else Challenge.HTTP


def _assignments(text: str) -> Settings:
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("'") for key, value in pairs}


# --- certificates ---


def _certificate(pem: bytes) -> tuple[tuple[str, ...], datetime | None]:
    """Return the names in the first certificate and its end; nothing of what is no certificate."""
    if b"BEGIN CERTIFICATE" not in pem:
        return (), None
    read = x509.load_pem_x509_certificate(pem)
    try:
        names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), read.not_valid_after_utc
    return tuple(sorted(names.get_values_for_type(x509.DNSName))), read.not_valid_after_utc
