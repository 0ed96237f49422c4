"""The whole procedure over memory blocks: order of effects, the end, every interruption."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from blocks.errors import (
    ApprovalMismatch,
    AuthenticationFailed,
    CommandFailed,
    DamagedData,
    NotFound,
    OutOfStock,
    PrimaryNotFenced,
    ProviderError,
    Unreachable,
    UpdateRefused,
    VerificationFailed,
)
from blocks.records import StepState
from blocks.repositories.journal import Journal
from blocks.sites.site import SmokePage
from blocks.types import AddressChange
from flows.tasks.approval import Approval
from tests.fakes.memory_machine import MemoryFile
from tests.flows.world import BROCHURE, INCIDENT, OLD, SHOP, World, killed_after

STEPS = [
    "observe", "plan", "approve", "lease", "fence", "machine", "connect", "host-key", "accounts",
    "engine", "packages", "files-shop", "files-brochure", "configuration", "database", "rows",
    "web", "data", "smoke-shop", "dns-shop", "visitors-shop", "smoke-brochure", "dns-brochure",
    "visitors-brochure", "cron", "verify",
]  # fmt: skip


def test_everything_comes_back(world: World) -> None:
    made = world.back_up()
    world.lose()
    report = world.recover()
    new = world.machines()[0].address
    assert report["verdict"] == "recovered"
    assert report["recovery_set"] == made
    assert world.address_of(SHOP) == (new,)
    assert world.address_of("mail.atelier.test") == (OLD,)
    there = world.server.at(new, world.machines()[0].host_key).machine
    assert there.files["/srv/shop/index.php"].content == b"<?php"
    assert there.database is not None
    assert there.database.schemas["shop"]["orders"].rows == ["one", "two"]
    assert there.running == {"nginx", "mariadb", "cron", "links.timer"}


def test_each_site_is_smoked_before_its_dns_and_again_after(world: World) -> None:
    world.back_up()
    world.lose()
    world.recover()
    done = [r.step for r in Journal(world.repository.state(), INCIDENT).records() if r.ended_at]
    for site in ("shop", "brochure"):
        order = [done.index(f"{step}-{site}") for step in ("smoke", "dns", "visitors")]
        assert order == sorted(order)
    assert done.index("fence") < done.index("machine") < done.index("dns-shop")
    assert done.index("data") < done.index("smoke-shop")


def test_the_journal_holds_all_that_puts_the_zones_back(world: World) -> None:
    world.back_up()
    world.lose()
    zones = {"memory-zone/atelier": world.zone, "memory-zone/boutique": world.inner}
    before = {block: zone.read() for block, zone in zones.items()}
    world.recover()
    assert before != {block: zone.read() for block, zone in zones.items()}
    for record in Journal(world.repository.state(), INCIDENT).records():
        for each in cast("list[dict[str, Any]]", record.data.get("records", [])):
            old, new = tuple(each["old"]), tuple(each["new"])
            back = AddressChange(each["name"], each["type"], new, old, each["ttl"])
            zones[each["block"]].replace([back])
    assert before == {block: zone.read() for block, zone in zones.items()}


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_and_started_again_it_ends_well(world: World, step: str) -> None:
    world.back_up()
    world.lose()
    with killed_after(step), pytest.raises(BaseException):  # noqa: B017, PT011 - as a kill would
        world.recover()
    report = world.recover()
    assert report["verdict"] == "recovered"
    assert len(world.machines()) == 1
    calls = world.zone.applied + world.inner.applied
    changed = [change.name for call in calls for change in call]
    assert sorted(changed) == sorted([SHOP, BROCHURE])


def test_what_the_new_machine_writes_is_not_taken_for_restored_data(world: World) -> None:
    """Its agent beats as soon as the data is proven, also while the rest is taken up again."""
    world.back_up()
    restored = datetime.now(UTC) + timedelta(seconds=1)
    world.database.beat(restored)
    world.lose()
    with killed_after("dns-shop"), pytest.raises(BaseException):  # noqa: B017, PT011 - a kill
        world.recover()
    world.database.beat(restored + timedelta(hours=1))
    report = world.recover()
    assert report["verdict"] == "recovered"
    assert report["data_as_of"] == restored.isoformat()


def test_a_living_old_server_is_fenced_before_anything_moves(world: World) -> None:
    world.back_up()
    report = world.recover()
    assert world.server.machine.fenced
    assert report["verdict"] == "recovered"


def test_an_old_server_that_cannot_be_fenced_stops_everything(world: World) -> None:
    world.back_up()
    world.server.fail_next("fence", VerificationFailed("old server", "nginx runs", "stop it"))
    with pytest.raises(PrimaryNotFenced, match="nginx runs"):
        world.recover()
    assert world.machines() == ()
    assert world.zone.applied == ()


def test_a_site_that_fails_keeps_its_dns_and_the_others_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tasks.sites.WARM_UP", timedelta(milliseconds=200))
    world.back_up()
    world.lose()
    world.probe.break_page(f"https://{SHOP}/", "HTTP 502 from nginx")
    with pytest.raises(VerificationFailed, match=r"partly recovered.*HTTP 502") as raised:
        world.recover()
    assert f"--incident {INCIDENT}" in raised.value.hint
    assert world.address_of(SHOP) == (OLD,)
    assert world.address_of(BROCHURE) != (OLD,)


def test_no_room_at_the_first_provider_goes_to_the_next(world: World) -> None:
    world.back_up()
    world.lose()
    world.provider.fail_next("create", OutOfStock("first", "sold out", "take another"))
    assert world.recover()["verdict"] == "recovered"
    assert world.provider.find({}) == ()
    assert len(world.reserve.find({})) == 1


def test_a_token_that_ended_does_not_stop_what_another_provider_can_do(world: World) -> None:
    world.back_up()
    world.lose()
    ended = AuthenticationFailed("first", "the token is refused", "make a new one")
    for method in ("find", "create"):
        world.provider.fail_next(method, ended)
    assert world.recover()["verdict"] == "recovered"
    assert len(world.reserve.find({})) == 1
    records = Journal(world.repository.state(), INCIDENT).records()
    (made,) = (each for each in records if each.step == "machine" and each.did)
    assert "the token is refused" in made.why
    assert "make a new one" in made.why


def test_a_machine_made_unseen_elsewhere_is_named_and_the_run_goes_on(world: World) -> None:
    world.back_up()
    world.lose()
    world.provider.fail_after_create(ProviderError("first", "answered nonsense", "look at it"))
    assert world.recover()["verdict"] == "recovered"
    (unseen,), (taken,) = world.provider.find({}), world.reserve.find({})
    assert world.recover()["verdict"] == "recovered"
    assert world.address_of(SHOP) == (taken.address,)
    made = [
        each
        for each in Journal(world.repository.state(), INCIDENT).records()
        if each.step == "machine"
    ]
    assert f"à détruire après : {unseen.name} chez memory-vps/first" in made[-1].why


def test_a_machine_made_by_a_call_that_timed_out_is_adopted(world: World) -> None:
    world.back_up()
    world.lose()
    world.provider.fail_after_create(Unreachable("first", "timed out", "look again"))
    assert world.recover()["verdict"] == "recovered"
    assert len(world.machines()) == 1


def test_a_refused_dns_update_leaves_the_site_and_says_so(world: World) -> None:
    world.back_up()
    world.lose()
    world.zone.fail_next(UpdateRefused("zone atelier.test", "refused the key", "check the key"))
    with pytest.raises(VerificationFailed, match=r"partly recovered.*refused the key"):
        world.recover()


CLOSED = AuthenticationFailed("zone atelier.test", "the key is refused", "check the TSIG key")


def test_a_zone_that_cannot_be_read_keeps_its_names_and_nothing_else(world: World) -> None:
    """The shop lies in a zone of its own that cannot be read; the brochure comes back whole."""
    world.back_up()
    world.lose()
    error = Unreachable("zone boutique", "does not answer", "dig boutique")
    world.inner.close(error)
    with pytest.raises(VerificationFailed, match=r"partly recovered: 1 of 2") as raised:
        world.recover()
    assert SHOP in str(raised.value)
    assert f"continuity recover web1 --incident {INCIDENT}" in str(raised.value)
    (new,) = world.machines()
    world.inner.close(None)
    assert world.address_of(BROCHURE) == (new.address,)
    assert world.address_of(SHOP) == (OLD,)
    there = world.server.at(new.address, new.host_key).machine
    assert there.files["/srv/shop/index.php"].content == b"<?php"
    journal = Journal(world.repository.state(), INCIDENT)
    warned = str((journal.document("plan.json") or {})["warnings"])
    assert error.cause in warned
    assert "shop : restauré mais hors d'atteinte" in warned
    told = world.notifier.threads[-1].notice
    assert "partiellement rétabli" in told.text
    assert f"noms inchangés : {SHOP}" in told.body


def test_when_no_zone_can_be_read_the_sites_are_proven_on_the_new_address(world: World) -> None:
    world.back_up()
    world.lose()
    world.zone.close(CLOSED)
    world.inner.close(CLOSED)
    with pytest.raises(VerificationFailed, match=r"partly recovered: 0 of 2"):
        world.recover()
    records = Journal(world.repository.state(), INCIDENT).records()
    done = {each.step for each in records if each.state is StepState.DONE}
    assert {"data", "smoke-shop", "smoke-brochure", "cron"} <= done
    assert world.zone.applied == world.inner.applied == ()


def test_started_again_the_names_of_a_zone_that_can_be_read_now_follow(world: World) -> None:
    world.back_up()
    world.lose()
    world.inner.close(CLOSED)
    with pytest.raises(VerificationFailed):
        world.recover()
    world.inner.close(None)
    # New changes are for a person to approve, however the first ones were.
    with pytest.raises(ApprovalMismatch):
        world.recover(approval=Approval.ASK)
    assert world.inner.applied == ()
    made = world.recover()
    assert made["verdict"] == "recovered"
    assert world.address_of(SHOP) == world.address_of(BROCHURE) == (world.machines()[0].address,)
    assert len(world.zone.applied) == len(world.inner.applied) == 1


def test_a_check_that_was_mended_in_the_estate_is_used_without_a_new_approval(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.tasks.sites.WARM_UP", timedelta(milliseconds=200))
    world.back_up()
    world.lose()
    world.probe.break_page(f"https://{SHOP}/", "HTTP 301 to /accueil")
    with pytest.raises(VerificationFailed, match="HTTP 301"):
        world.recover()
    world.shop.smoke = [SmokePage(url=f"https://{SHOP}/accueil")]
    assert world.recover(approval=Approval.ASK)["verdict"] == "recovered"


def test_what_people_read_of_a_failed_step_names_it_in_french(world: World) -> None:
    world.back_up()
    world.lose()
    world.database.fail_next("restore_physical", CommandFailed("web1", "mbstream died", "look"))
    with pytest.raises(VerificationFailed):
        world.recover()
    report = Journal(world.repository.state(), INCIDENT).document("report.json") or {}
    assert report["problems"] == ["Base de données : web1: mbstream died. Next: look"]
    (shop,) = (site for site in report["sites"] if site["name"] == "shop")
    assert shop["observed"] == report["problems"][0]


def test_damage_names_the_set_and_offers_the_last_good_one(world: World) -> None:
    older = world.back_up()
    world.server.machine.files["/srv/shop/new.jpg"] = MemoryFile(b"new picture")
    newer = world.back_up_later()
    damage_newest_file(world, newer)
    world.lose()
    with pytest.raises(VerificationFailed) as raised:
        world.recover()
    assert newer in str(raised.value)
    assert f"--set {older}" in str(raised.value)


def damage_newest_file(world: World, newer: str) -> None:
    """Overwrite the object that only the newer set needs."""
    taken = {
        each.label.set_id: each.id
        for each in world.repository.snapshots("web1")
        if each.label.part == "site" and each.label.subject == "shop"
    }
    held = world.repository._held["web1"]
    old = set(held[next(i for s, i in taken.items() if s != newer)].contents.values())
    only = next(k for k in held[taken[newer]].contents.values() if k not in old)
    world.repository.objects().put(only, b"rotten")


def test_a_set_whose_snapshot_is_missing_is_passed_over(world: World) -> None:
    older = world.back_up()
    newer = world.back_up_later()
    gone = next(
        each.id
        for each in world.repository.snapshots("web1")
        if each.label.set_id == newer and each.label.part == "physical"
    )
    del world.repository._held["web1"][gone]
    world.lose()
    assert world.recover()["recovery_set"] == older


def test_no_set_is_a_clear_end(world: World) -> None:
    world.lose()
    with pytest.raises(NotFound, match="recovery set of web1"):
        world.recover()


def test_without_anybody_to_ask_nothing_changes(world: World) -> None:
    world.back_up()
    world.lose()
    with pytest.raises(ApprovalMismatch, match="nobody can be asked"):
        world.recover(approval=Approval.ASK)
    assert world.machines() == ()


def test_an_explicit_damaged_set_is_refused(world: World) -> None:
    made = world.back_up()
    key = f"web1/sets/{made}/manifest.json"
    objects = world.repository.objects()
    objects.put(key, objects.get(key).replace(b'"web1"', b'"web2"'))
    with pytest.raises((DamagedData, NotFound), match=made):
        world.recover(recovery_set=made)


def test_the_live_message_is_one_and_ends_with_the_verdict(world: World) -> None:
    world.back_up()
    world.lose()
    world.recover()
    assert len(world.notifier.threads) == 1
    thread = world.notifier.threads[0]
    assert "rétabli" in thread.notice.text
    assert thread.replies
