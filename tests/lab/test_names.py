"""The lab's DNS: the key that may change it, the records that come back, the visitors' resolver."""

import time
from collections.abc import Iterator
from ipaddress import IPv4Network

import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.xfr
import dns.zone
import pytest

from deployments.lab import lab as whole
from deployments.lab import machines, names
from deployments.lab.config import ROOT, Lab
from deployments.lab.names_zones import KEY_NAME, SITES, ZONES

pytestmark = pytest.mark.lab

SITE = SITES[0]
OTHER = "10.89.79.120"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """One machine in its own lab, so that nothing here meets another test's recovery."""
    here = Lab("dns", IPv4Network("10.89.79.0/24"), ROOT / "var" / "lab" / "dns")
    try:
        whole.foundation(here)
        machines.start(here, "names", "names", here.names)
        names.configure(here)
        yield here
    finally:
        whole.down(here)


@pytest.fixture
def fresh(lab: Lab) -> Iterator[Lab]:
    names.reset(lab)
    yield lab
    names.reset(lab)


def _ring(lab: Lab, name: str = KEY_NAME, key: str = "") -> dict[object, dns.tsig.Key]:
    return dns.tsigkeyring.from_text({name: ("hmac-sha256", key or lab.secret("tsig-key"))})


def _update(lab: Lab, ring: object, address: str = OTHER) -> dns.rcode.Rcode:
    change = dns.update.UpdateMessage("omniweb.test", keyring=ring)
    change.replace("journal", 10, "A", address)
    return dns.query.tcp(change, lab.names, timeout=5).rcode()


def _addresses(server: str, name: str) -> list[str]:
    answer = dns.query.udp(dns.message.make_query(name, "A"), server, timeout=5)
    return [str(item) for rrset in answer.answer for item in rrset if rrset.rdtype == 1]


def test_the_right_key_updates_and_reset_puts_it_back(fresh: Lab) -> None:
    assert _update(fresh, _ring(fresh)) is dns.rcode.NOERROR
    assert _addresses(fresh.names, SITE) == [OTHER]
    names.configure(fresh)
    assert _addresses(fresh.names, SITE) == [OTHER], "configure keeps what was changed"
    names.reset(fresh)
    for site in SITES:
        assert _addresses(fresh.names, site) == [fresh.production]
        assert _addresses(fresh.resolver, site) == [fresh.production]


def test_a_wrong_key_changes_nothing(fresh: Lab) -> None:
    wrong = "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXkgISE="
    with pytest.raises(dns.tsig.PeerBadSignature):
        _update(fresh, _ring(fresh, key=wrong))
    with pytest.raises(dns.tsig.PeerBadKey):
        _update(fresh, _ring(fresh, name="stranger"))
    assert _update(fresh, None) is dns.rcode.REFUSED
    assert _addresses(fresh.names, SITE) == [fresh.production]


def _transfer(lab: Lab, zone: str, ring: object) -> dns.zone.Zone:
    received = dns.zone.Zone(zone, relativize=False)
    query, _ = dns.xfr.make_query(received, keyring=ring)
    dns.query.inbound_xfr(lab.names, received, query, timeout=5, lifetime=10)
    return received


@pytest.mark.parametrize("zone", ZONES)
def test_a_zone_is_transferred_to_the_key_alone(lab: Lab, zone: str) -> None:
    whole_zone = _transfer(lab, zone, _ring(lab)).to_text(relativize=False)
    assert "v=spf1" in whole_zone
    assert "MX 10 mail.omniweb.test." in whole_zone
    with pytest.raises(dns.xfr.TransferError):
        _transfer(lab, zone, None)


def test_the_resolver_keeps_an_answer_until_its_ttl_is_over(fresh: Lab) -> None:
    begun = time.monotonic()
    assert _addresses(fresh.resolver, SITE) == [fresh.production]
    _update(fresh, _ring(fresh))
    assert _addresses(fresh.names, SITE) == [OTHER]
    while _addresses(fresh.resolver, SITE) == [fresh.production]:
        assert time.monotonic() - begun < 40, "the resolver does not let go of the old address"
        time.sleep(0.1)
    assert _addresses(fresh.resolver, SITE) == [OTHER]
    assert time.monotonic() - begun > 8, "visitors see the change sooner than in the real world"


def test_the_resolver_follows_aliases_and_reverse_names(lab: Lab) -> None:
    assert _addresses(lab.resolver, "shop.atelier.test") == _addresses(
        lab.names, "boutique.atelier.test"
    )
    reverse = dns.message.make_query("4.79.89.10.in-addr.arpa", "PTR")
    answer = dns.query.udp(reverse, lab.resolver, timeout=5)
    assert str(answer.answer[0][0]) == "ns1.omniweb.test."


def test_the_resolver_refuses_other_names_at_once(lab: Lab) -> None:
    begun = time.monotonic()
    query = dns.message.make_query("example.org", "A")
    assert dns.query.udp(query, lab.resolver, timeout=5).rcode() is dns.rcode.REFUSED
    assert time.monotonic() - begun < 4
