"""Whether the kit is up to date: told from the repository, only to who has its password."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from blocks import registry
from blocks.errors import DamagedData, Unreachable
from blocks.servers.protected import ClientNews
from flows.decisions.readiness import Check, State
from flows.decisions.readiness_kit import KIT_WITHIN, judge_kit
from flows.tasks.incident import open_estate
from flows.tasks.kit import kit_check, newest_kit, note_kit
from flows.tasks.readiness_looks import look_at_readiness
from tests.fakes.memory_client_mail import MemoryClientMail
from tests.flows.world import World, two_repositories


def note(at: datetime | None = None, *, opened: bool = True) -> None:
    """Note that a kit was sealed from web1 as it is now."""
    file = ("trousse.age", "ab" * 32, 120_000_000)
    at = at or datetime.now(UTC)
    note_kit(open_estate("web1"), at, opened=opened, file=file, program="abc")


def check() -> Check:
    return kit_check(open_estate("web1"))


def test_a_kit_that_was_never_sealed_is_told_with_what_to_type(world: World) -> None:
    assert check().state is State.WARNING
    assert "continuity kit seal" in check().hint
    assert newest_kit(open_estate("web1")) is None


def test_a_fresh_kit_is_ready_and_in_the_table(world: World) -> None:
    note()
    assert check().state is State.READY
    (line,) = [each for each in look_at_readiness(open_estate("web1")) if each.about == "trousse"]
    assert line.state is State.READY


def test_a_kit_that_nobody_opened_or_that_is_old_is_not_ready(world: World) -> None:
    note(opened=False)
    assert "jamais ouverte" in check().seen
    note(datetime.now(UTC) - KIT_WITHIN - timedelta(days=1))
    assert check().state is State.WARNING


def test_a_change_of_the_estate_makes_it_stale(world: World) -> None:
    note()
    world.shop.databases.append("shop2")
    assert "a changé depuis" in check().seen


def test_a_new_password_of_the_clients_relay_makes_it_stale(world: World) -> None:
    relay = MemoryClientMail(sender="a@b.test")
    ways = ClientNews(mail="memory-client-mail/relay")
    blocks = world.blocks(client_news=ways) | {"memory-client-mail/relay": relay}
    registry.provide(blocks)
    note()
    assert check().state is State.READY
    relay.sender = "c@d.test"
    assert "a changé depuis" in check().seen


def test_the_record_holds_no_secret_and_a_forged_one_is_refused(world: World) -> None:
    world.repository.password, store = "a long password", world.repository.state()
    note()
    (key,) = [each.key for each in store.list("kit/")]
    content = store.get(key)
    assert b"a long password" not in content
    store.put(key, content.replace(b'"opened": true', b'"opened": false'))
    with pytest.raises(DamagedData):
        check()


def test_the_copy_knows_it_when_the_first_repository_is_gone() -> None:
    with two_repositories() as world:
        note()
        world.repository.destroy()
        assert check().state is State.READY


def test_a_repository_that_is_gone_while_sealing_keeps_the_others_from_nothing() -> None:
    with two_repositories() as world:
        note(datetime.now(UTC) - KIT_WITHIN * 2)
        world.repository.state().fail_next("put", Unreachable("store", "is away", "look"))
        with pytest.raises(Unreachable):
            note()
        assert check().state is State.READY


def test_judged_by_time_alone_it_is_pure() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert judge_kit(None, "x", now).state is State.WARNING
