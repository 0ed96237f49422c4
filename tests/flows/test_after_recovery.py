"""After a recovery the estate file still names the dead server: what is seen, told, and mended."""

from __future__ import annotations

import pytest

from blocks.errors import Unreachable, UnsafePlan
from flows.backup import backup
from tests.fakes.memory_server import MemoryServer
from tests.flows.world import OLD, World


def test_no_backup_is_taken_until_somebody_does_what_the_report_says(world: World) -> None:
    first = world.back_up()
    world.lose()
    report = world.recover()
    (made,) = world.machines()
    with pytest.raises(Unreachable, match=f"server {OLD}: is down"):
        backup("web1")
    told = report["to_do"]
    assert isinstance(told, list)
    edit, apply, take = told
    assert f"`address: {made.address}` à la place de `{OLD}`" in edit
    shown = world.shown_key(made)
    assert shown != made.host_key, "the key that it was made with is known at the provider"
    assert f"`host_key: {shown}`" in edit
    assert f"machine: {made.id}" in edit
    assert "`continuity estate apply`" in apply
    assert "`continuity backup web1`" in take
    body = world.notifier.threads[-2].notice.body
    assert "*À faire (3)* : taper `continuity backup web1`" in body

    named = world.server.at(made.address, shown)
    assert isinstance(named, MemoryServer)
    world.server = named
    with world.provided():
        assert backup("web1") > [first]
        with pytest.raises(UnsafePlan, match=f"is about {OLD}"):
            world.recover()
        assert not named.machine.fenced, "the machine that now serves was left alone"
