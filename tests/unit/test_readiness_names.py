"""What would still name the lost server, and what could not be renewed on the new one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.types import AddressRecord, Challenge, NamedRecord, Renewal, SmokeCheck, Tier
from flows.decisions.readiness import Check, State
from flows.decisions.readiness_records import NamesView, judge_records
from flows.decisions.readiness_renewal import Returning, judge_renewal
from flows.decisions.readiness_site import judge_names
from flows.decisions.recovery_plan import SiteSpec, ZoneView
from tests.unit.samples import NOON, OLD

ZONE, SIX = "atelier.test", "2001:db8::10"
SHOP, WWW, MAIL = f"boutique.{ZONE}", f"www.{ZONE}", f"mail.{ZONE}"
PAGES = (SmokeCheck(f"https://{SHOP}/"), SmokeCheck(f"http://{WWW}/"))
SITE = SiteSpec("boutique", "La boutique", (SHOP, WWW), (), Tier.HOURS_48, 10, PAGES)
LED = AddressRecord(SHOP, "A", 60, (OLD,))


def names(*records: AddressRecord | NamedRecord, **refused: str) -> NamesView:
    addresses = tuple(each for each in records if isinstance(each, AddressRecord))
    others = tuple(each for each in records if isinstance(each, NamedRecord))
    return NamesView((ZoneView("zone/a", ZONE, (LED, *addresses)),), others, refused)


def judged(*records: AddressRecord | NamedRecord) -> dict[str, Check]:
    return {each.about: each for each in judge_records(names(*records), [SITE], OLD)}


def test_addresses_that_no_site_declares_are_left_behind() -> None:
    assert judged()["autres noms"].state is State.READY
    six = AddressRecord(SHOP, "AAAA", 60, (SIX,))
    left = (AddressRecord(MAIL, "A", 60, (OLD,)), AddressRecord(f"v6.{ZONE}", "AAAA", 60, (SIX,)))
    found = judged(six, *left, AddressRecord(f"ok.{ZONE}", "A", 60, ("203.0.113.1",)))
    assert found["autres noms"].seen == f"{MAIL} A → {OLD} ; v6.{ZONE} AAAA → {SIX}"


def test_mail_that_goes_to_the_server_is_lost_or_follows_a_site_without_its_boxes() -> None:
    there = AddressRecord(MAIL, "A", 60, (OLD,))
    lost = judged(there, NamedRecord(ZONE, "MX", (MAIL, "mx.example.net")))["courrier (MX)"]
    assert lost.seen == f"le courrier de {ZONE} (MX {MAIL}) irait toujours au serveur perdu"
    moved = judged(NamedRecord(ZONE, "MX", (SHOP,)))["courrier (MX)"]
    assert (moved.state, "sans boîtes" in moved.seen) == (State.WARNING, True)
    outside = judged(there, NamedRecord(ZONE, "MX", ("mx.example.net",)))["courrier (MX)"]
    assert outside.state is State.READY


@pytest.mark.parametrize(
    ("text", "stale"),
    [
        (f"v=spf1 ip4:{OLD} -all", f"ip4:{OLD}"),
        (f"v=spf1 +ip4:{OLD}/24 a mx ?ip4:203.0.113.9 ~all", f"+ip4:{OLD}/24 mx"),
        (f"V=SPF1 a:{MAIL} include:_spf.example.net -all", f"a:{MAIL}"),
        (f"v=spf1 a:{SHOP} mx:elsewhere.test ip6:2001:db8:ffff::/48 -all", ""),
        ("v=spf1 ip4:nonsense -all", ""),
        (f"google-site-verification={OLD}", ""),
    ],
)
def test_who_may_send_mail_is_named_by_the_lost_address(text: str, stale: str) -> None:
    mail = (AddressRecord(MAIL, "A", 60, (OLD,)), NamedRecord(ZONE, "MX", (MAIL,)))
    found = judged(*mail, NamedRecord(ZONE, "TXT", (text,)))["expéditeurs (SPF)"]
    assert found.seen == (
        f"le SPF de {ZONE} nomme le serveur : {stale}" if stale else "aucun ne mène au serveur"
    )


def test_a_zone_that_could_not_be_read_makes_all_of_it_unknown() -> None:
    for each in judge_records(names(**{ZONE: "refused"}), [SITE], OLD):
        assert (each.state, "refused" in each.seen) == (State.UNKNOWN, True)


@pytest.mark.parametrize(
    ("target", "state"),
    [
        (SHOP, State.READY),
        (MAIL, State.FAILED),
        (f"away.{ZONE}", State.FAILED),
        ("cdn.example.net", State.FAILED),
    ],
)
def test_an_alias_must_end_at_a_name_that_is_moved(target: str, state: State) -> None:
    there = (
        AddressRecord(MAIL, "A", 60, (OLD,)),
        AddressRecord(f"away.{ZONE}", "A", 9, ("192.0.2.9",)),
    )
    chain = (
        NamedRecord(WWW, "CNAME", (f"w.{ZONE}",)),
        NamedRecord(f"w.{ZONE}", "CNAME", (target,)),
    )
    _, www, ttl = judge_names(SITE, names(*there, *chain), OLD)
    assert (www.state, target in www.seen) == (state, True)
    assert ttl.state is State.READY, "an alias has no TTL that a recovery waits for"
    ring = NamedRecord(WWW, "CNAME", (WWW,))
    assert judge_names(SITE, names(ring), OLD)[1].state is State.FAILED


CERTBOT = Renewal(
    name=SHOP,
    tool="certbot",
    domains=(SHOP,),
    challenge=Challenge.HTTP,
    plugin="webroot",
    automatic=True,
    files=("/etc/letsencrypt/renewal/x.conf", "/etc/letsencrypt/accounts/y.json"),
    folders=("/srv/boutique/public",),
    packages=("certbot",),
    timer="certbot.timer",
    until=NOON + timedelta(days=60),
)
BACK = Returning(
    server="web1",
    files={*CERTBOT.files, "/etc/passwd"},
    roots=["/srv/boutique"],
    configuration=["/etc"],
    packages=["certbot", "nginx"],
    timers=["certbot.timer"],
)


def renewal(kept: Renewal, back: Returning = BACK, tier: Tier = Tier.HOURS_48) -> Check:
    (found,) = judge_renewal(replace(SITE, tier=tier), [kept], back, NOON)
    return found


def test_http_needs_the_name_and_dns_does_not() -> None:
    http = renewal(CERTBOT)
    assert http.state is State.READY
    assert "dès que le DNS mène à la nouvelle machine" in http.seen
    named = replace(CERTBOT, challenge=Challenge.DNS, plugin="dns-ovh")
    assert "même avant la bascule" in renewal(named).seen
    assert renewal(named, tier=Tier.HOUR_1).state is State.READY
    standby = renewal(CERTBOT, tier=Tier.HOUR_1)
    assert (standby.state, "serveur de secours" in standby.seen) == (State.WARNING, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"challenge": Challenge.BY_HAND}, "renouvelé à la main"),
        ({"automatic": False}, "désactivé"),
        ({"packages": ("certbot", "python3-certbot-dns-ovh")}, "python3-certbot-dns-ovh"),
        ({"files": (*CERTBOT.files, "/root/.secrets/ovh.ini")}, "/root/.secrets/ovh.ini"),
        ({"folders": ("/var/www/letsencrypt",)}, "/var/www/letsencrypt"),
        ({"until": NOON + timedelta(hours=47)}, "expire dans 47 h"),
    ],
)
def test_what_keeps_a_certificate_from_being_renewed_is_red(
    changes: dict[str, object], said: str
) -> None:
    found = renewal(replace(CERTBOT, **changes))  # type: ignore[arg-type]
    assert (found.state, said in found.seen) == (State.FAILED, True)
    assert "continuity backup web1" in found.hint


def test_what_is_doubtful_is_a_warning() -> None:
    assert renewal(CERTBOT, replace(BACK, timers=())).state is State.WARNING
    assert renewal(replace(CERTBOT, challenge=Challenge.UNKNOWN)).state is State.WARNING
    lone = renewal(replace(CERTBOT, domains=("other.test",)))
    assert (lone.state, lone.seen) == (State.WARNING, f"personne ne renouvelle {SHOP}")


def test_a_star_stands_for_one_label() -> None:
    star = replace(CERTBOT, domains=(f"*.{ZONE}",))
    assert renewal(star).state is State.READY
    deep = replace(SITE, smoke=(SmokeCheck(f"https://a.{SHOP}/"),))
    (found,) = judge_renewal(deep, [star], BACK, NOON)
    assert found.state is State.WARNING


def test_a_site_without_tls_needs_no_certificate() -> None:
    assert judge_renewal(replace(SITE, smoke=PAGES[1:]), [CERTBOT], BACK, NOON) == ()
