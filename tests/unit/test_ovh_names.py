"""What is ours at OVH can be told from an instance's name alone, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from blocks.vps.labels import expiry_in, host_key_in, labels_of, tags_in
from blocks.vps.ovh_names import LONGEST, labels_in, name_of
from tests.contract.hosted_bench import KEYS, asked

ENDS = datetime(2026, 12, 24, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize("ends", [None, ENDS])
def test_a_name_holds_all_labels_and_can_be_read(ends: datetime | None) -> None:
    labels = labels_of(asked(expires_at=ends))
    name = name_of(labels)
    assert name.startswith("continuity~drill-i1~")
    assert "~purpose=drill~" in name
    read = labels_in(name)
    assert read == labels
    assert tags_in(read) == asked().tags
    assert (host_key_in(read), expiry_in(read)) == (KEYS[0].public, ends)


def test_a_name_with_long_tags_has_room() -> None:
    incident = "web-production-1-20261224t183000-abcdef12"
    tags = asked().tags | {"incident": incident, "server": "web-production-1"}
    request = replace(asked(f"drill-{incident}", expires_at=ENDS), tags=tags)
    assert len(name_of(labels_of(request))) <= LONGEST - 20


@pytest.mark.parametrize("value", ["a~b", "a=b", "a b", "", "é", "x" * 200])
def test_tags_that_cannot_be_part_of_a_name_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"has \d+ characters of 255|its tags have"):
        name_of(labels_of(asked()) | {"server": value})


@pytest.mark.parametrize(
    "name", ["web1", "continuity", "continuity-web1", "my~continuity~drill", "Continuity~drill"]
)
def test_a_strangers_name_is_not_ours(name: str) -> None:
    assert labels_in(name) is None


def test_a_name_that_begins_like_ours_and_is_not_whole_is_not_guessed() -> None:
    name = name_of(labels_of(asked(expires_at=ENDS)))
    cut = [name[:length] for length in range(len("continuity~"), len(name))]
    changed = [f"{name} (copie)", f"{name}-1", f"{name}~a=b", name.replace("~server=", "~purpose=")]
    for each in (*cut, *changed):
        with pytest.raises(ValueError, match="cannot be read"):
            labels_in(each)
