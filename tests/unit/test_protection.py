"""3-2-1-1-0: each digit with its evidence, and never green without it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.errors import NotFound, VerificationFailed
from blocks.types import FailureDomain, Label, Part, Snapshot
from flows.decisions.copy_choice import choose_copy
from flows.decisions.copy_plan import manifest_of_copy, sets_to_copy
from flows.decisions.protection import (
    ArchiveCopy,
    CopyView,
    archive_protection,
    protection,
    spread,
)
from flows.decisions.retention import RetentionRule
from flows.reports.protection_text import copies_markdown, protection_line
from tests.unit.samples import NOON, recovery_set

HOST = FailureDomain("ovh", "rbx", "vps")
NEAR = FailureDomain("ovh", "gra", "buckets")
AWAY = FailureDomain("scaleway", "par", "agency")
NEW, OLD = recovery_set(), recovery_set(NOON - timedelta(days=1))


def view(name: str, domain: FailureDomain, *sets: object, **more: object) -> CopyView:
    return CopyView(name, domain, tuple(sets), **more)  # type: ignore[arg-type]


def test_two_whole_copies_at_two_providers_hold_but_for_what_no_test_proved() -> None:
    found = protection("web1", HOST, [view("a", NEAR, NEW), view("b", AWAY, OLD, NEW)])
    assert [each.holds for each in found] == [True, True, True, None, True]
    assert NEW.id in found[0].evidence
    assert found[1].evidence == "ovh, scaleway"
    assert "1 immuable : non prouvé" in protection_line(found)


def test_a_proven_bucket_makes_it_whole() -> None:
    found = protection("web1", HOST, [view("a", NEAR, NEW), view("b", AWAY, NEW, immutable=True)])
    assert protection_line(found) == "3-2-1-1-0 tenu"
    page = copies_markdown((), found)
    assert "| 1 immuable | oui |" in page


def test_a_bucket_in_which_the_test_could_delete_is_a_no() -> None:
    found = protection("web1", HOST, [view("a", NEAR, NEW, immutable=False)])
    assert found[3].holds is False


@pytest.mark.parametrize(
    "late",
    [
        view("b", AWAY, OLD),
        view("b", AWAY),
        view("b", AWAY, NEW, refused=((NEW.id, "a snapshot is missing"),)),
        view("b", AWAY, failed="does not answer"),
    ],
)
def test_a_copy_without_the_newest_set_does_not_count(late: CopyView) -> None:
    three, two, off_site, _, none = protection("web1", HOST, [view("a", NEAR, NEW), late])
    assert (three.holds, two.holds, off_site.holds, none.holds) == (False, False, True, False)
    assert "b" in none.evidence
    if late.failed:
        assert late.failed in three.evidence


def test_old_estates_without_domains_are_not_silently_green() -> None:
    nowhere = FailureDomain()
    found = protection("web1", nowhere, [view("a", nowhere, NEW), view("b", nowhere, NEW)])
    assert [each.holds for each in found] == [True, None, None, None, True]
    assert "domain" in found[1].evidence


def test_without_any_set_nothing_holds() -> None:
    found = protection("web1", HOST, [view("a", AWAY)])
    assert not any(each.holds for each in found)
    assert {each.evidence for each in found[2:4]} == {"aucun exemplaire complet"}


def archived(name: str, domain: FailureDomain, **more: object) -> ArchiveCopy:
    fields: dict[str, object] = {"reaches": NOON, "problem": "", "immutable": True} | more
    return ArchiveCopy(name, domain, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "holds"),
    [
        (archived("b", AWAY), [True, True, True]),
        (archived("b", AWAY, immutable=False), [True, True, True]),
        (archived("b", HOST), [True, False, True]),
        (archived("b", AWAY, reaches=None, problem="rien n'y est arrivé"), [False, False, True]),
        (archived("b", AWAY, problem="rien n'y est arrivé depuis 90 s"), [False, False, True]),
    ],
)
def test_what_was_written_since_the_set_must_lie_in_two_places_too(
    second: ArchiveCopy, holds: list[bool]
) -> None:
    found = archive_protection(HOST, [archived("a", HOST), second])
    assert [each.holds for each in found] == holds
    assert "a jusqu'au 2026-" in found[0].evidence
    assert second.problem in found[0].evidence


def test_an_archive_that_no_test_proved_is_not_green() -> None:
    found = archive_protection(HOST, [archived("a", AWAY, immutable=None)])
    assert [each.holds for each in found] == [False, True, None]
    assert "archive : 1 immuable : non prouvé" in protection_line(found)
    assert archive_protection(HOST, []) == ()


@pytest.mark.parametrize(
    ("domain", "shared"),
    [
        (FailureDomain("ovh", "rbx"), True),
        (FailureDomain("ovh", "gra", "vps"), True),
        (FailureDomain("ovh", "gra", "other"), False),
        (FailureDomain("scaleway", "rbx", "vps"), False),
    ],
)
def test_one_fire_or_one_account(domain: FailureDomain, *, shared: bool) -> None:
    found = spread(HOST, {"only": domain})
    assert found.all_shared is shared
    assert found.apart == (() if shared else ("only",))


def test_one_copy_elsewhere_or_unknown_is_not_all_shared() -> None:
    assert not spread(HOST, {"a": HOST, "b": AWAY}).all_shared
    found = spread(HOST, {"a": HOST, "b": FailureDomain("scaleway")})
    assert not found.all_shared
    assert found.unknown == ("b",)


# --- which set, from where ---


def test_the_newest_set_that_is_whole_anywhere_is_chosen() -> None:
    bad = view("a", NEAR, OLD, NEW, refused=((NEW.id, "a snapshot is missing"),))
    found = choose_copy("web1", [bad, view("b", AWAY, OLD, NEW)])
    assert found.choice.chosen.id == NEW.id
    assert [name for name, _ in found.held] == ["b"]
    assert found.choice.passed_over == ()
    assert found.notes == (
        "dépôt a sans le jeu choisi : a snapshot is missing",
        "restauration depuis le dépôt b",
    )


def test_a_repository_that_cannot_be_read_is_named() -> None:
    found = choose_copy("web1", [view("a", NEAR, failed="no route"), view("b", AWAY, OLD)])
    assert found.choice.chosen.id == OLD.id
    assert found.notes[0] == "dépôt a inutilisable : no route"


def test_what_is_refused_everywhere_is_passed_over() -> None:
    refused = ((NEW.id, "was changed"),)
    copies = [view(name, NEAR, OLD, NEW, refused=refused) for name in ("a", "b")]
    found = choose_copy("web1", copies)
    assert found.choice.chosen.id == OLD.id
    assert found.choice.passed_over == ((NEW.id, "a : was changed"),)
    assert [name for name, _ in found.held] == ["a", "b"]


def test_a_set_of_the_same_name_with_other_trees_is_no_copy_of_it() -> None:
    refs = tuple(replace(ref, tree=f"other-{ref.tree}") for ref in NEW.snapshots)
    found = choose_copy(
        "web1", [view("a", NEAR, NEW), view("b", AWAY, replace(NEW, snapshots=refs))]
    )
    assert [name for name, _ in found.held] == ["a"]


def test_no_set_anywhere_is_a_clear_end() -> None:
    with pytest.raises(NotFound, match="recovery set of web1"):
        choose_copy("web1", [view("a", NEAR), view("b", AWAY)])


# --- what is copied ---


def test_the_newest_missing_set_is_copied_first() -> None:
    older = recovery_set(NOON - timedelta(days=2))
    every = RetentionRule(3, 0, 0, 0)
    assert sets_to_copy([older, OLD, NEW], {OLD.id}, every) == (NEW, older)


def test_a_set_that_retention_would_remove_at_once_is_not_copied() -> None:
    newest_alone = RetentionRule(1, 0, 0, 0)
    assert sets_to_copy([OLD, NEW], (), newest_alone) == (NEW,)


def snapshots(number: int = 7) -> list[Snapshot]:
    return [
        Snapshot(
            f"{number}-{ref.id}",
            Label("web1", ref.taken_in, ref.part, ref.subject),
            ref.tree,
            ref.time,
            ref.size,
            ref.added,
            ref.files,
        )
        for ref in NEW.snapshots
    ]


def test_a_copys_manifest_names_the_copys_snapshots() -> None:
    made = manifest_of_copy(NEW, snapshots(), replace(NEW.read_back, objects=9))
    assert [ref.id for ref in made.snapshots] == [f"7-{ref.id}" for ref in NEW.snapshots]
    assert made.read_back.objects == 9
    assert replace(made, snapshots=NEW.snapshots, read_back=NEW.read_back) == NEW


def test_a_part_that_was_not_copied_leaves_no_manifest() -> None:
    there = [each for each in snapshots() if each.label.part is not Part.PHYSICAL]
    with pytest.raises(VerificationFailed, match="lacks physical web1"):
        manifest_of_copy(NEW, there, NEW.read_back)
    other = [replace(each, tree="changed") for each in snapshots()]
    with pytest.raises(VerificationFailed):
        manifest_of_copy(NEW, other, NEW.read_back)
