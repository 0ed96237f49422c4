"""How each check of readiness is broken in memory, and what changes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate

from blocks.errors import (
    AuthenticationFailed,
    PermissionDenied,
    Unreachable,
    UpdateRefused,
)
from blocks.servers.protected import Target
from blocks.types import BucketCheck, KeyRole
from flows.tasks.immutability import keep_self_test
from tests.fakes.memory_certificates import certify
from tests.fakes.memory_vps import MemoryVps
from tests.flows.ready_world import LOST, PLACES, POOL, protected
from tests.flows.world import BROCHURE, OLD, SHOP, World

REFUSED = AuthenticationFailed("key", "is refused", "take a new one")
RED = {"failed", "unknown"}
RULE = "règle 3-2-1-1-0"
ONE_TARGET = {f"{kind} memory-vps/second": "gone" for kind in ("compte", "machine", "PHP")}
LOST_SIGHT = {"pages shop": "failed", "certificat shop": "unknown"}
OTHERWISE = {"preuve du site shop": "unknown", "preuve du site brochure": "unknown"}
"""The sites were proven, but not as they are declared now."""
Break = Callable[[World], AbstractContextManager[object]]
CASES: dict[str, tuple[Break, dict[str, str]]] = {}
"""How a check is broken, and all checks that change with it, by the name of the case."""


def broken(names: dict[str, str]) -> Callable[[Break], Break]:
    """Register a way to break these checks."""

    def keep(act: Break) -> Break:
        CASES[act.__name__] = (act, names)
        return act

    return keep


@contextmanager
def without(world: World, folder: str) -> Iterator[None]:
    """Let what lies in a folder of all repositories be gone."""
    stores = [each.objects() for each in (world.repository, world.second)]
    gone = [
        {each.key: store.get(each.key) for each in store.list("") if folder in each.key}
        for store in stores
    ]
    assert any(gone), [each.key for store in stores for each in store.list("")]
    for store, kept in zip(stores, gone, strict=True):
        for key in kept:
            store.remove(key)
    yield
    for store, kept in zip(stores, gone, strict=True):
        for key, content in kept.items():
            store.put(key, content)


# --- backups ---


@broken(
    {
        "dernier jeu": "failed",
        "preuve": "failed",
        "preuve du site shop": "unknown",
        "règle 3-2-1-1-0": "failed",
        "machine memory-vps/first": "failed",
        "machine memory-vps/second": "failed",
        "PHP memory-vps/first": "failed",
        "PHP memory-vps/second": "failed",
        "renouvellement shop": "gone",
        "renouvellement brochure": "gone",
        "renouvellement": "failed",
    }
)
@contextmanager
def no_set_is_left(world: World) -> Iterator[None]:
    with without(world, "sets/"):
        yield


@broken({"preuve": "failed"})
@contextmanager
def nothing_was_proven(world: World) -> Iterator[None]:
    with without(world, "proofs/"):
        yield


@broken({"archive": "unknown", RULE: "failed", **OTHERWISE})
@contextmanager
def the_archive_is_nowhere(world: World) -> Iterator[None]:
    with protected(world, archive="s3-archive/nowhere"):
        yield


@broken({"règle 3-2-1-1-0": "failed"})
@contextmanager
def all_copies_lie_in_one_place(world: World) -> Iterator[None]:
    world.repository.domain = world.second.domain = LOST
    yield
    world.repository.domain, world.second.domain = PLACES


@broken(
    {
        "exercice": "failed",
        "preuve du site shop": "failed",
        "preuve du site brochure": "failed",
    }
)
@contextmanager
def no_drill_is_known(world: World) -> Iterator[None]:
    with without(world, "incidents/"):
        yield


@broken(
    {
        "essai du dépôt main": "failed",
        "essai du dépôt second": "failed",
        "règle 3-2-1-1-0": "failed",
    }
)
@contextmanager
def buckets_break_their_promises(world: World) -> Iterator[None]:
    for each in (world.repository, world.second):
        each.broken_promises = (BucketCheck.DESTROY,)
        keep_self_test(each)
    yield
    for each in (world.repository, world.second):
        each.broken_promises = ()
        keep_self_test(each)


@broken({"essai du dépôt second": "warning"})
@contextmanager
def one_bucket_breaks_its_promise(world: World) -> Iterator[None]:
    world.second.broken_promises = (BucketCheck.DESTROY,)
    keep_self_test(world.second)
    yield
    world.second.broken_promises = ()
    keep_self_test(world.second)


@broken({"essai du dépôt main": "unknown", "essai du dépôt second": "unknown", RULE: "unknown"})
@contextmanager
def no_bucket_was_ever_tested(world: World) -> Iterator[None]:
    with without(world, "immutability/"):
        yield


@broken({"trousse": "unknown"})
@contextmanager
def a_stranger_wrote_of_a_kit(world: World) -> Iterator[None]:
    store = world.repository.state()
    store.put("kit/web1.json", b"{}")
    yield
    store.remove("kit/web1.json")


# --- machines ---


@broken({"horloge": "failed"})
@contextmanager
def the_clock_is_a_minute_ahead(world: World) -> Iterator[None]:
    machine, before = world.server.machine, world.server.machine.clock
    machine.clock = lambda: datetime.now(UTC) + timedelta(seconds=70)
    yield
    machine.clock = before


@broken({"compte memory-vps/second": "failed"})
@contextmanager
def a_providers_key_is_refused(world: World) -> Iterator[None]:
    world.reserve.fail_next("find", REFUSED)
    yield


@broken({"stock": "warning"})
@contextmanager
def the_first_provider_is_full(world: World) -> Iterator[None]:
    with capacity(world.provider, 0):
        yield


@broken({"stock": "failed"})
@contextmanager
def all_providers_are_full(world: World) -> Iterator[None]:
    with capacity(world.provider, 0), capacity(world.reserve, 0):
        yield


@broken({"stock": "unknown"})
@contextmanager
def a_full_provider_and_a_silent_one(world: World) -> Iterator[None]:
    world.reserve.fail_next("room", Unreachable("provider", "does not answer", "look"))
    with capacity(world.provider, 0):
        yield


@broken({"machine memory-vps/first": "failed", "stock": "failed", **ONE_TARGET, **OTHERWISE})
@contextmanager
def the_wanted_size_is_gone(world: World) -> Iterator[None]:
    with protected(world, targets=[Target(provider="memory-vps/first", size="huge")]):
        yield


@broken({"PHP memory-vps/first": "failed", "machine memory-vps/first": "ready", **OTHERWISE})
@contextmanager
def a_foreign_php_is_not_on_the_image(world: World) -> Iterator[None]:
    """The set's PHP 7.4 came from another source of packages than Debian 12's."""
    world.provider.debian = "12"
    yield
    world.provider.debian = "13"


@contextmanager
def capacity(provider: MemoryVps, machines: int) -> Iterator[None]:
    before, provider.capacity = provider.capacity, machines
    yield
    provider.capacity = before


# --- keys and people ---


@broken({"clés du dépôt second": "failed"})
@contextmanager
def the_servers_key_is_refused(world: World) -> Iterator[None]:
    world.second.fail_next(f"check_key {KeyRole.SERVER}", REFUSED)
    yield


@broken({"clés du dépôt second": "unknown"})
@contextmanager
def nobody_knows_whether_a_key_works(world: World) -> Iterator[None]:
    silent = Unreachable("bucket", "does not answer", "look")
    world.second.fail_next(f"check_key {KeyRole.PRUNE}", silent)
    yield


@broken({"clé DNS memory-zone/boutique": "failed"})
@contextmanager
def the_zones_key_may_read_only(world: World) -> Iterator[None]:
    world.inner.forbid(UpdateRefused("zone", "REFUSED", "update-policy"))
    yield
    world.inner.forbid(None)


@broken({"annonces memory-notifier/team": "failed"})
@contextmanager
def slack_revoked_the_token(world: World) -> Iterator[None]:
    world.notifier.fail_always(REFUSED)
    yield
    world.notifier.recover()


@broken({"accord": "failed"})
@contextmanager
def the_work_pool_is_paused(world: World) -> Iterator[None]:
    with get_client(sync_client=True) as client:
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=True))
        yield
        client.update_work_pool(POOL, WorkPoolUpdate(is_paused=False))


# --- sites ---


@broken({"DNS boutique.atelier.test shop": "failed", "durée DNS shop": "warning", **LOST_SIGHT})
@contextmanager
def a_name_leads_elsewhere(world: World) -> Iterator[None]:
    world.inner.put(SHOP, "A", ["192.0.2.77"], ttl=7200)
    yield
    world.inner.put(SHOP, "A", [OLD], ttl=1)


@broken({"DNS boutique.atelier.test shop": "failed", **LOST_SIGHT})
@contextmanager
def a_name_follows_one_outside(world: World) -> Iterator[None]:
    world.inner.put(SHOP, "A", [])
    world.inner.say(SHOP, "CNAME", "shops.example.net")
    yield
    world.inner.say(SHOP, "CNAME")
    world.inner.put(SHOP, "A", [OLD], ttl=1)


@broken({"DNS vitrine.atelier.test brochure": "failed"})
@contextmanager
def a_name_follows_one_that_nobody_declared(world: World) -> Iterator[None]:
    with aliased(world, "mail.atelier.test"):
        yield


@broken({})
@contextmanager
def a_name_follows_a_declared_one(world: World) -> Iterator[None]:
    with aliased(world, SHOP):
        yield


@contextmanager
def aliased(world: World, target: str) -> Iterator[None]:
    """Let the brochure's name be a CNAME, which visitors follow."""
    world.zone.put(BROCHURE, "A", [])
    world.zone.say(BROCHURE, "CNAME", target)
    world.probe.name(BROCHURE, OLD)
    yield
    world.probe.forget(BROCHURE)
    world.zone.say(BROCHURE, "CNAME")
    world.zone.put(BROCHURE, "A", [OLD], ttl=1)


@broken(
    {
        "DNS vitrine.atelier.test brochure": "unknown",
        "durée DNS brochure": "unknown",
        "autres noms": "unknown",
        "courrier (MX)": "unknown",
        "expéditeurs (SPF)": "unknown",
        "clé DNS memory-zone/atelier": "failed",
    }
)
@contextmanager
def a_zone_cannot_be_read(world: World) -> Iterator[None]:
    world.zone.close(PermissionDenied("zone atelier", "the key may not", "allow-transfer"))
    yield
    world.zone.close(None)


@broken({"autres noms": "ready"})
@contextmanager
def nothing_else_leads_to_the_server(world: World) -> Iterator[None]:
    world.zone.put("mail.atelier.test", "A", ["203.0.113.9"])
    yield
    world.zone.put("mail.atelier.test", "A", [OLD], ttl=1)


@broken({"courrier (MX)": "warning"})
@contextmanager
def mail_goes_to_the_server(world: World) -> Iterator[None]:
    world.zone.say("atelier.test", "MX", "mail.atelier.test", "mx.example.net")
    yield
    world.zone.say("atelier.test", "MX")


@broken({"expéditeurs (SPF)": "warning"})
@contextmanager
def the_server_may_send_mail(world: World) -> Iterator[None]:
    world.zone.say("atelier.test", "TXT", f"v=spf1 ip4:{OLD} -all")
    yield
    world.zone.say("atelier.test", "TXT")


@broken({"pages shop": "failed"})
@contextmanager
def a_page_fails(world: World) -> Iterator[None]:
    page = f"https://{SHOP}/"
    world.probe.break_page(page, "HTTP 503")
    yield
    world.probe.mend_page(page)


@broken({"certificat shop": "failed"})
@contextmanager
def a_certificate_was_not_renewed(world: World) -> Iterator[None]:
    world.probe.certify(SHOP, datetime.now(UTC) + timedelta(days=3))
    yield
    world.probe.certify(SHOP, datetime.now(UTC) + timedelta(days=90))


@broken({"renouvellement shop": "failed"})
@contextmanager
def a_certificate_needs_what_does_not_come_back(world: World) -> Iterator[None]:
    """Its challenges go to a folder of which the set holds nothing."""
    certify(world.server.machine, SHOP, webroot="/var/www/challenges")
    yield
    certify(world.server.machine, SHOP, webroot="/srv/shop")


@broken({"renouvellement shop": "warning"})
@contextmanager
def nobody_renews_a_certificate(world: World) -> Iterator[None]:
    path = f"/etc/letsencrypt/renewal/{SHOP}.conf"
    taken = world.server.machine.files.pop(path)
    yield
    world.server.machine.files[path] = taken
