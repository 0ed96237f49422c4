from __future__ import annotations

from datetime import timedelta

import pytest

from blocks.errors import DamagedData, NotFound
from flows.decisions.set_choice import choose_set
from tests.unit.samples import NOON, recovery_set

OLDER, NEWER = recovery_set(NOON - timedelta(days=1)), recovery_set(NOON)


def test_the_newest_set_is_chosen():
    assert choose_set("web1", [NEWER, OLDER], {}).chosen == NEWER


def test_a_refused_newest_set_is_passed_over_with_its_reason():
    choice = choose_set("web1", [OLDER, NEWER], {NEWER.id: "snapshot missing"})
    assert choice.chosen == OLDER
    assert choice.passed_over == ((NEWER.id, "snapshot missing"),)


def test_an_unreadable_manifest_that_is_newer_is_passed_over_too():
    choice = choose_set("web1", [OLDER], {NEWER.id: "seal is wrong"})
    assert choice.passed_over == ((NEWER.id, "seal is wrong"),)


def test_no_usable_set_names_the_reasons():
    with pytest.raises(NotFound, match="seal is wrong"):
        choose_set("web1", [], {NEWER.id: "seal is wrong"})


def test_a_wanted_set_is_taken_even_if_older():
    assert choose_set("web1", [OLDER, NEWER], {}, OLDER.id).chosen == OLDER


def test_a_wanted_set_that_is_damaged_is_never_replaced_silently():
    with pytest.raises(DamagedData, match=OLDER.id) as raised:
        choose_set("web1", [OLDER, NEWER], {NEWER.id: "snapshot missing"}, NEWER.id)
    assert f"--set {OLDER.id}" in raised.value.hint


def test_a_wanted_set_that_does_not_exist_is_an_error():
    with pytest.raises(NotFound, match="web1-20000101"):
        choose_set("web1", [OLDER], {}, "web1-20000101T000000Z")
