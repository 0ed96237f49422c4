from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.errors import ApprovalMismatch, UnsafePlan
from blocks.types import ObjectVersion
from flows.decisions.rewind import PutBack, plan_rewind, require_approval
from flows.reports.rewind_text import rewind_markdown, rewind_sentence
from tests.unit.samples import NOON

HOUR = timedelta(hours=1)
NOW = NOON + 24 * HOUR


def written(name: str, *contents: str | None, every: timedelta = HOUR) -> list[ObjectVersion]:
    """Versions of one object, oldest first, an hour apart from noon; None hides it."""
    last = len(contents) - 1
    return [
        ObjectVersion(
            f"web1/{name}",
            f"{name}-{n}",
            NOON + every * n,
            len(content or ""),
            content or "",
            content is None,
            n == last,
        )
        for n, content in enumerate(contents)
    ]


CONFIG = written("restic/config", "config")


def plan(*versions: ObjectVersion, to=NOON + HOUR / 2):
    return plan_rewind("web1", [*CONFIG, *versions], to, NOW)


def test_a_repository_that_nobody_touched_needs_nothing():
    found = plan(*written("restic/data/a", "good"))
    assert found.empty
    assert "0 objet remis" in rewind_sentence(found)


def test_what_was_overwritten_or_hidden_is_put_back():
    found = plan(*written("restic/data/a", "good", "evil"), *written("restic/data/b", "good", None))
    assert found.overwritten == (PutBack("web1/restic/data/a", "restic/data/a-0", 4),)
    assert found.hidden == (PutBack("web1/restic/data/b", "restic/data/b-0", 4),)
    assert found.hide == ()
    assert found.last_change == NOON + HOUR


def test_what_is_as_it_was_is_left_alone_whatever_happened_between():
    assert plan(*written("restic/data/a", "good", "evil", None, "good")).empty


def test_what_pruning_had_hidden_before_stays_hidden():
    later = written("restic/data/a", "good", None, every=HOUR / 4)
    assert plan(*later).empty


@pytest.mark.parametrize("folder", ["restic/index", "restic/snapshots", "restic/keys", "sets/x"])
def test_what_was_added_where_it_confuses_is_hidden(folder):
    added = [replace(each, modified=NOON + HOUR) for each in written(f"{folder}/junk", "evil")]
    found = plan(*added)
    assert found.added == (f"web1/{folder}/junk",)
    assert found.put_back == ()


def test_an_added_pack_does_no_harm_and_is_left():
    added = [replace(each, modified=NOON + HOUR) for each in written("restic/data/junk", "evil")]
    assert plan(*added).empty


def test_all_locks_of_restic_go():
    found = plan(*written("restic/locks/a", "lock"), *written("restic/locks/b", "lock", None))
    assert found.locks == ("web1/restic/locks/a",)


def test_cut_after_any_action_the_rest_is_what_is_left():
    """Carry a plan out one action at a time; the rest never does anything that was not approved."""
    objects = [f"restic/data/{n}" for n in range(4)]
    versions = [v for name in objects for v in written(name, "good", "evil")]
    junk = [replace(v, modified=NOON + HOUR) for v in written("restic/index/junk", "evil")]
    world = [*CONFIG, *versions, *junk]
    whole = plan_rewind("web1", world, NOON + HOUR / 2, NOW)
    left, steps = whole, 0
    while not left.empty:
        require_approval(left, whole.digest, whole)
        world = _done(world, left, NOW + steps * HOUR / 60)
        left = plan_rewind("web1", world, NOON + HOUR / 2, NOW + HOUR)
        assert left.actions() < whole.actions()
        steps += 1
    assert steps == len(whole.actions()) == 5


def _done(world, left, at):
    """Do the plan's first action in the world."""
    if left.put_back:
        back = left.put_back[0]
        (old,) = (v for v in world if v.id == back.version)
        new = replace(old, id=f"{old.id}-back", modified=at, newest=True)
    else:
        new = ObjectVersion(left.hide[0], "marker", at, hidden=True)
    return [replace(v, newest=False) if v.key == new.key else v for v in world] + [new]


def test_another_plan_than_the_approved_one_is_refused():
    first = plan(*written("restic/data/a", "good", "evil"))
    other = plan(*written("restic/data/a", "good", "evil"), *written("restic/data/b", "good", "x"))
    assert first.digest != other.digest
    for digest, approved in (("", None), ("0" * 12, first), (first.digest, first)):
        with pytest.raises(ApprovalMismatch, match=other.digest):
            require_approval(other, digest, approved)


def test_the_page_says_what_will_be_done():
    text = rewind_markdown(plan(*written("restic/data/a", "good", "evil")))
    assert "| objets écrasés depuis, remis tels qu'ils étaient | 1 |" in text
    assert "web1/restic/data/a" in text
    assert plan(*written("restic/data/a", "good", "evil")).digest in text


@pytest.mark.parametrize("to", [NOON - HOUR, NOW + HOUR])
def test_a_moment_without_a_repository_is_refused(to):
    with pytest.raises(UnsafePlan, match=r"future|did not exist"):
        plan(to=to)
