"""The training page can be followed: its blocks are found, what is to be copied is shown."""

from __future__ import annotations

import re

import pytest

from blocks.errors import VerificationFailed
from deployments.lab.campaign_formation import PAGE, TO_COPY, WHERE, blocks, filled

TEXT = PAGE.read_text(encoding="utf-8")
SHOWN = (
    "Empreinte du plan : **`aaaaaaaaaaaa`** (incident `inc-old`)\n"
    "Empreinte du plan : **`0123456789ab`** (incident `inc-web1-5f6c07fb`)\n"
    "1 client, 1 message à envoyer, 0 envoyés, 0 incertains. Empreinte : `ba9876543210`\n"
    "address: 10.89.0.100\n"
)


def test_every_chapter_that_is_numbered_has_something_to_do() -> None:
    numbered = re.findall(r"^## (\d\. .+)$", TEXT, re.MULTILINE)
    assert len(numbered) == 8
    for chapter in numbered:
        part = TEXT.split(f"## {chapter}\n", 1)[1].split("\n## ", 1)[0]
        assert "```bash" in part or "- [ ] " in part, chapter


def test_all_that_is_to_be_copied_is_known_and_asked_for() -> None:
    names = {name for each in blocks(TEXT) for name in TO_COPY.findall(each.commands)}
    assert names == set(WHERE)


def test_what_is_to_be_copied_was_shown_before_its_block() -> None:
    """A block is pasted as a whole: nobody can copy what it shows itself."""
    for each in blocks(TEXT):
        lines = each.commands.splitlines()
        found = [number for number, line in enumerate(lines) if TO_COPY.match(line)]
        assert found == list(range(len(found))), each.commands


def test_what_is_copied_is_what_was_shown_last() -> None:
    commands = "".join(f"{name}='à-recopier'\n" for name in WHERE)
    assert filled(commands, SHOWN).splitlines() == [
        "INCIDENT='inc-web1-5f6c07fb'",
        "EMPREINTE='0123456789ab'",
        "EMPREINTE_MESSAGES='ba9876543210'",
        "EMPREINTE_RETOUR='0123456789ab'",
        "NOUVELLE_ADRESSE='10.89.0.100'",
    ]


def test_what_was_not_shown_stops_the_exercise() -> None:
    with pytest.raises(VerificationFailed, match="EMPREINTE was not shown"):
        filled("EMPREINTE='à-recopier'\n", "nothing")


def test_the_minutes_add_up_to_an_hour() -> None:
    spans = re.findall(r"^\| (\d+) à (\d+) \|", TEXT, re.MULTILINE)
    assert [begin for begin, _ in spans[1:]] == [end for _, end in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == ("0", "60")
