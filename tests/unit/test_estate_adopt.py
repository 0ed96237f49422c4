"""The estate file after a server became another machine: that changes, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import pytest

from blocks.errors import ConfigurationError
from deployments.estate_adopt import adopted, write
from tests.unit.estate_texts import write as write_estate
from tests.unit.test_reports import MACHINE

OLD_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RESTIC", "hush-hush")
    return write_estate(tmp_path)


def test_only_address_host_key_and_origin_change(estate: Path) -> None:
    known = "  - name: web1\n    address: 10.0.0.10  # OVH, Gravelines\n"
    text = estate.read_text(encoding="utf-8").replace(
        "  - name: web1\n    address: 10.0.0.10\n", known
    )
    estate.write_text(text, encoding="utf-8")
    before = estate.read_text(encoding="utf-8").splitlines()
    after = adopted(estate, "web1", MACHINE).splitlines()
    assert [each for each in unified_diff(before, after, n=0) if each[0] in "+-"][2:] == [
        "-    address: 10.0.0.10  # OVH, Gravelines",
        "+    address: 10.89.0.100  # OVH, Gravelines",
        "+    origin: {provider: secours, machine: dr-inc-1}",
        f"-      host_key: {OLD_KEY}",
        "+      host_key: ssh-ed25519 AAAAnew",
    ]


@pytest.mark.parametrize(
    "origin", ["{provider: lab, machine: web1}", "\n      provider: lab\n      machine: web1"]
)
def test_an_origin_that_is_there_is_replaced(estate: Path, origin: str) -> None:
    text = estate.read_text(encoding="utf-8")
    text = text.replace("    parallel: 3\n", f"    origin: {origin}\n    parallel: 3\n")
    estate.write_text(text, encoding="utf-8")
    after = adopted(estate, "web1", MACHINE)
    assert "    origin: {provider: secours, machine: dr-inc-1}\n    parallel: 3\n" in after
    assert "machine: web1" not in after


def test_keys_without_lines_of_their_own_are_left_to_a_person(estate: Path) -> None:
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace("    ssh:\n", "    ssh: {user: root}\n    other:\n"))
    with pytest.raises(ConfigurationError, match="no line of its own"):
        adopted(estate, "web1", MACHINE)


def test_a_server_that_is_not_there_changes_nothing(estate: Path) -> None:
    with pytest.raises(ConfigurationError, match="server web9"):
        adopted(estate, "web9", MACHINE)


def test_a_text_that_would_be_refused_changes_nothing(estate: Path) -> None:
    before = estate.read_text(encoding="utf-8")
    broken = adopted(estate, "web1", replace(MACHINE, address="nowhere"))
    with pytest.raises(ConfigurationError, match="would be refused"):
        write(estate, broken)
    assert estate.read_text(encoding="utf-8") == before
    assert list(estate.parent.glob("*.new")) == []


def test_the_file_as_it_was_is_kept(estate: Path) -> None:
    before = estate.read_text(encoding="utf-8")
    kept = write(estate, before + "# later\n")
    assert kept.read_text(encoding="utf-8") == before
    assert estate.read_text(encoding="utf-8").endswith("# later\n")
