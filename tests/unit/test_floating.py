"""When a floating address follows, what the plan says of it, and what the estate may say."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blocks.errors import UnsafePlan
from blocks.servers.protected import Floating as DeclaredFloating
from blocks.servers.protected import ProtectedServer
from blocks.types import Machine, PowerState
from blocks.vps.nspawn_addresses import bridge_rules
from blocks.vps.nspawn_record import MachineRecord
from deployments.estate_adopt import adopted
from deployments.estate_file import load, read
from deployments.world import provide
from flows.decisions.failback import decide_failback
from flows.decisions.floating import Floating, in_reach, out_of_reach
from flows.decisions.recovery_again import taken_up
from flows.decisions.recovery_decision import decide_recovery
from flows.decisions.recovery_plan import Purpose, RecoveryPlan, TargetChoice, plan_from_document
from flows.reports.after_recovery import steps_after
from flows.reports.plan_text import plan_markdown, plan_notice
from tests.unit.estate_texts import GOOD, write
from tests.unit.samples import NOON, OLD, observation
from tests.unit.test_reports import outcome

HERE = Floating(OLD, "memory-vps/a", "north")
AT_HOME = (TargetChoice("memory-vps/b", "", "north"), TargetChoice("memory-vps/a", "", "north"))
MACHINE = Machine(
    "m1", "dr-inc-1", "memory-vps/a", "192.0.2.9", PowerState.ON, {}, "ssh-ed25519 AAAAnew",
    datetime(2026, 3, 10, tzinfo=UTC), region="north",
)  # fmt: skip


def plan(purpose: Purpose = Purpose.RECOVERY, **changes: object) -> RecoveryPlan:
    seen = observation(**({"floating": HERE, "targets": AT_HOME} | changes))
    return decide_recovery(seen, "inc-web1-1", purpose)


def test_the_address_follows_where_any_target_is_in_its_reach() -> None:
    assert plan().floating == HERE
    assert not any("flottante" in each for each in plan().warnings)


@pytest.mark.parametrize(
    "target", [TargetChoice("memory-vps/a", "", "south"), TargetChoice("memory-vps/b", "", "north")]
)
def test_it_never_leaves_its_provider_or_region(target: TargetChoice) -> None:
    made = plan(targets=(target,))
    assert made.floating is None
    assert any("memory-vps/a, north" in each and "DNS" in each for each in made.warnings)
    elsewhere = replace(MACHINE, provider=target.provider, region=target.region)
    assert in_reach(HERE, MACHINE)
    assert not in_reach(HERE, elsewhere)
    assert target.provider in out_of_reach(HERE, elsewhere)


def test_a_drill_plans_no_move_and_a_way_home_goes_by_dns() -> None:
    drill = plan(Purpose.DRILL)
    assert drill.floating is None
    assert not any("flottante" in each for each in drill.warnings)
    same = tuple(replace(each, release="12") for each in AT_HOME)
    home = decide_failback(
        observation(floating=HERE, targets=same, answering=(22, 80, 443)), "inc-web1-2"
    )
    assert home.floating is None
    assert any("ne suit pas un retour" in each for each in home.warnings)


def test_the_digest_covers_the_address_and_is_the_old_one_without() -> None:
    moved, plain = plan(), plan(floating=None)
    assert moved.digest != plain.digest
    document = json.loads(json.dumps(asdict(moved), default=str))
    assert plan_from_document(document) == moved
    del document["floating"]
    assert plan_from_document(document).digest == plain.digest


def test_taken_up_the_plan_still_moves_the_address() -> None:
    assert taken_up(plan(), observation(floating=None)).floating == HERE
    with pytest.raises(UnsafePlan, match="m1"):
        taken_up(plan(), observation(floating=HERE, adopted="m1"))


def test_who_approves_reads_what_happens_to_the_address_and_when_names_change() -> None:
    page, message = plan_markdown(plan(), NOON), plan_notice(plan(), "")
    for text in (page, message):
        assert f"{OLD} déplacée si la machine est faite chez memory-vps/a, north" in text
        assert "DNS inchangé ; sinon" in text
        assert "si l'adresse ne suit pas (les AAAA partent toujours)" in text
    assert "flottante" not in plan_markdown(plan(floating=None), NOON)


def test_after_it_moved_the_estate_keeps_the_address(tmp_path: Path) -> None:
    kept = steps_after(outcome(proven=True), plan(), MACHINE, OLD, archive=False, floating=OLD)
    assert "`address:" not in kept[0]
    assert "refuse sa clé d'hôte" in kept[2]
    assert "attribuer à l'ancienne machine" in kept[-1]
    text = GOOD.replace("    parallel: 3\n", f"    {FLOATING}\n    parallel: 3\n")
    path = write(tmp_path, text)
    stays, gone = adopted(path, "web1", MACHINE, "10.0.0.10"), adopted(path, "web1", MACHINE)
    assert "    address: 10.0.0.10\n" in stays
    assert "floating" in stays
    assert "    address: 192.0.2.9\n" in gone
    assert "floating" not in gone
    assert "    parallel: 3\n" in gone


# --- the estate file ---

FLOATING = "floating: {provider: lab}"
WITH_LAB = ("  - name: web1\n    address: 10.0.0.10\n",
            "  - name: web1\n    floating: {provider: lab}\n    address: 10.0.0.10\n")  # fmt: skip


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC", "hush-hush")


def estate(folder: Path, *changes: tuple[str, str]) -> Path:
    text = GOOD
    for before, after in (WITH_LAB, *changes):
        assert before in text
        text = text.replace(before, after)
    return write(folder, text)


def mistakes(folder: Path, *changes: tuple[str, str]) -> list[str]:
    return [str(each) for each in read(estate(folder, *changes)).mistakes]


def test_the_server_knows_where_its_address_can_be_led(tmp_path: Path) -> None:
    assert mistakes(tmp_path) == []
    server = provide(load(estate(tmp_path)))["protected-server/web1"]
    assert isinstance(server, ProtectedServer)
    assert server.floating == DeclaredFloating(provider="nspawn-vps/lab")


def test_an_unknown_provider_is_named(tmp_path: Path) -> None:
    (said,) = mistakes(tmp_path, ("floating: {provider: lab}", "floating: {provider: labb}"))
    assert "unknown provider 'labb'" in said


def test_an_ipv6_address_is_not_moved(tmp_path: Path) -> None:
    (said,) = mistakes(tmp_path, ("    address: 10.0.0.10\n", '    address: "2001:db8::1"\n'))
    assert "2001:db8::1 is no IPv4 address" in said


def test_an_address_without_a_target_in_reach_is_told(tmp_path: Path) -> None:
    far = "  - {name: far, type: hetzner-vps, token: {file: secret}}\nrepositories:"
    only_far = [("repositories:", far), ("provider: lab, size", "provider: far, size")]
    (said,) = mistakes(tmp_path, *only_far)
    assert "no target is at provider 'lab'" in said
    there = ("floating: {provider: lab}", "floating: {provider: far, region: fsn1}")
    assert mistakes(tmp_path, *only_far, there) == [], "fsn1 is what the provider takes by default"
    other = ("floating: {provider: lab}", "floating: {provider: far, region: hel1}")
    (said,) = mistakes(tmp_path, *only_far, other)
    assert "'far' in hel1" in said


def test_a_provider_that_cannot_move_addresses_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("blocks.vps.nspawn.NspawnVps.moves_addresses", lambda: False)
    (said,) = mistakes(tmp_path)
    assert "'lab' leads no address to another machine" in said


# --- the bridge of this host ---


def test_the_bridge_believes_only_the_machine_that_the_address_leads_to() -> None:
    record = MachineRecord("new", "10.89.0.101", "/image", {}, "key", NOON)
    rules = bridge_rules({"10.89.0.80": record})
    card = "02:00:0a:59:00:65"
    assert f"ether saddr != {card} ip saddr 10.89.0.80 drop" in rules
    assert f"ether saddr != {card} arp saddr ip 10.89.0.80 drop" in rules
    assert f"ether daddr != {card} ip daddr 10.89.0.80 drop" in rules
