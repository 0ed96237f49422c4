"""The lab's DNS as it is before anything happens: zones and configuration, as text. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from deployments.lab.config import Lab

KEY_NAME = "continuity"
ZONES = ("omniweb.test", "atelier.test")
SITES = (
    "journal.omniweb.test",
    "vitrine.omniweb.test",
    "boutique.atelier.test",
    "www.atelier.test",
)

FOLDER = "/etc/lab-names"
ZONE_FOLDER = "/var/lib/bind"

_HEAD = """\
$TTL 300
@ 10 IN SOA ns1.omniweb.test. hostmaster.omniweb.test. 1 3600 600 86400 10
@ 300 IN NS ns1.omniweb.test.
"""
_OMNIWEB = """\
ns1 300 IN A {names}
journal 10 IN A {production}
vitrine 10 IN A {production}
; What follows belongs to nobody's recovery and must never change.
@ 300 IN MX 10 mail.omniweb.test.
@ 300 IN TXT "v=spf1 ip4:{mail} -all"
mail 300 IN A {mail}
"""
_ATELIER = """\
boutique 10 IN A {production}
www 10 IN A {production}
; What follows belongs to nobody's recovery and must never change.
@ 300 IN MX 10 mail.omniweb.test.
@ 300 IN TXT "v=spf1 include:omniweb.test -all"
shop 300 IN CNAME boutique.atelier.test.
"""
_REVERSE = """\
{names_host} 300 IN PTR ns1.omniweb.test.
{mail_host} 300 IN PTR mail.omniweb.test.
"""

_NAMED = """\
include "{folder}/tsig.key";
options {{
  directory "/var/cache/bind";
  listen-on {{ {names}; }};
  listen-on-v6 {{ none; }};
  recursion no;
  notify no;
  dnssec-validation no;
  empty-zones-enable no;
  allow-transfer {{ key {key}; }};
}};
controls {{ }};
{zones}"""
_NAMED_ZONE = """\
zone "{zone}" {{
  type primary;
  file "{zone_folder}/{zone}.zone";
  {policy}
}};
"""
_UNBOUND = """\
server:
  interface: {resolver}
  do-ip6: no
  access-control: {network} allow
  username: "unbound"
  chroot: ""
  directory: "/etc/lab-names"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  # There is nothing to validate, and no root server to ask.
  module-config: "iterator"
  local-zone: "." refuse
{transparent}  # Old answers are kept as long as their TTL says, and not a second longer.
  prefetch: no
  serve-expired: no
  cache-min-ttl: 0
  cache-max-negative-ttl: 10
  # A server that was away is asked again at once.
  infra-host-ttl: 5
  infra-keep-probing: yes
remote-control:
  control-enable: no
{stubs}"""
_STUB = """\
stub-zone:
  name: "{zone}"
  stub-addr: {names}
"""


def zone_files(lab: Lab) -> Mapping[str, str]:
    """Return path and text of each zone as it is at first."""
    mail = lab.address(20)
    words = {
        "names": lab.names,
        "production": lab.production,
        "mail": mail,
        "names_host": lab.names.rsplit(".", 1)[1],
        "mail_host": mail.rsplit(".", 1)[1],
    }
    bodies = {"omniweb.test": _OMNIWEB, "atelier.test": _ATELIER, _reverse(lab): _REVERSE}
    return {
        f"{ZONE_FOLDER}/{zone}.zone": _HEAD + body.format(**words) for zone, body in bodies.items()
    }


def configuration(lab: Lab, tsig_key: str) -> Mapping[str, str]:
    """Return path and text of every configuration file."""
    return {
        f"{FOLDER}/tsig.key": (
            f'key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{tsig_key}"; }};\n'
        ),
        f"{FOLDER}/address": f"RESOLVER={lab.resolver}\n",
        f"{FOLDER}/unbound.conf": _unbound(lab),
        f"{FOLDER}/named.conf": _named(lab),
    }


def _named(lab: Lab) -> str:
    policy = f"update-policy {{ grant {KEY_NAME} zonesub ANY; }};"
    policies = dict.fromkeys(ZONES, policy) | {_reverse(lab): ""}
    zones = "".join(
        _NAMED_ZONE.format(zone=zone, zone_folder=ZONE_FOLDER, policy=policy)
        for zone, policy in policies.items()
    )
    return _NAMED.format(folder=FOLDER, names=lab.names, key=KEY_NAME, zones=zones)


def _unbound(lab: Lab) -> str:
    zones = (*ZONES, _reverse(lab))
    transparent = "".join(f'  local-zone: "{zone}" transparent\n' for zone in zones)
    stubs = "".join(_STUB.format(zone=zone, names=lab.names) for zone in zones)
    return _UNBOUND.format(
        resolver=lab.resolver, network=lab.network, transparent=transparent, stubs=stubs
    )


def _reverse(lab: Lab) -> str:
    """Return the name of the reverse zone of the lab's /24."""
    first, second, third, _ = str(lab.network.network_address).split(".")
    return f"{third}.{second}.{first}.in-addr.arpa"
