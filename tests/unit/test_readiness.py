"""Whether a server and its sites would come back today: never green without a look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.types import AddressRecord, MachineSize, Part, SmokeCheck, SmokeResult, Tier
from flows.decisions.archive_state import ArchiveCondition, ArchiveState
from flows.decisions.database_way import restore_way
from flows.decisions.protection import Digit
from flows.decisions.readiness import (
    DRILL_WITHIN,
    Check,
    Practised,
    State,
    judge_archive_lag,
    judge_clock,
    judge_drill,
    judge_newest_set,
    judge_proof,
    judge_rule,
    judge_target,
    weigh,
)
from flows.decisions.readiness_records import NamesView
from flows.decisions.readiness_site import judge_certificates, judge_names, judge_pages
from flows.decisions.recovery_plan import SiteSpec, TargetChoice, ZoneView
from flows.decisions.verification_plan import NEXT_RUN
from flows.reports.readiness_html import readiness_html
from flows.reports.readiness_text import problems, readiness_document, readiness_markdown
from flows.reports.wording import PARIS
from tests.unit.samples import NOON, OLD, recovery_set
from tests.unit.test_standings import FIRST, SECOND, UNREAD, both

SECOND_OF = timedelta(seconds=1)
GIB = 1024**3
NAME = "boutique.test"
SITE = SiteSpec("boutique", "La boutique", (NAME,), (), Tier.HOURS_48, 10, ())
MADE = recovery_set()
TARGET = TargetChoice("vps/first", "standard", "", "12")
OFFERED = (MachineSize("small", 1, GIB, 14 * GIB), MachineSize("standard", 2, GIB, 16 * GIB))


def zone(*records: AddressRecord, refused: str = "") -> NamesView:
    return NamesView((ZoneView("zone/test", "test", records, refused),), (), {})


def led(ttl: int = 60, *values: str, kind: str = "A") -> AddressRecord:
    return AddressRecord(NAME, kind, ttl, values or (OLD,))


def test_a_set_must_be_there_and_of_the_last_day() -> None:
    known = both(SECOND)
    assert judge_newest_set("web1", known).state is State.READY
    late = replace(FIRST, taken_at=MADE.consistent_at + NEXT_RUN + SECOND_OF)
    old = judge_newest_set("web1", both(SECOND, late))
    assert (old.state, old.hint) == (State.FAILED, "continuity backup web1")
    none = replace(known, refused={each.id: "rotten" for each in known.sets})
    assert judge_newest_set("web1", none).state is State.FAILED


def test_a_proof_is_needed_in_every_repository() -> None:
    assert judge_proof("web1", both(SECOND)).state is State.READY
    red = judge_proof("web1", both(UNREAD))
    assert (red.state, red.hint) == (State.FAILED, "continuity verify web1")
    assert "illisible" in red.seen


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        (ArchiveCondition.CURRENT, State.READY),
        (ArchiveCondition.DEGRADED, State.WARNING),
        (ArchiveCondition.LATE, State.FAILED),
        (ArchiveCondition.BROKEN, State.FAILED),
        (ArchiveCondition.UNKNOWN, State.UNKNOWN),
    ],
)
def test_an_archive_must_be_current(condition: ArchiveCondition, state: State) -> None:
    found = ArchiveState("web1", condition, 5 * SECOND_OF, NOON, "because")
    assert judge_archive_lag(found).state is state
    assert judge_archive_lag(None).state is State.WARNING


def test_the_rule_is_red_before_it_is_unknown() -> None:
    held, broken, dark = Digit("3", True, "a"), Digit("2", False, "b"), Digit("1", None, "c")
    assert judge_rule("web1", [held]).state is State.READY
    assert judge_rule("web1", []).state is State.UNKNOWN
    assert judge_rule("web1", [held, dark]).state is State.UNKNOWN
    assert judge_rule("web1", [held, dark, broken]).seen == "2 : b ; 1 : c"


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (0, State.READY), (-1, State.READY), (4, State.READY),
        (6, State.WARNING), (-3, State.WARNING), (70, State.FAILED), (-70, State.FAILED),
    ],
)  # fmt: skip
def test_a_clock_is_compared_with_ours_before_and_after(seconds: float, state: State) -> None:
    """The look took three seconds: what lies within them is no error."""
    there = NOON + seconds * SECOND_OF
    assert judge_clock(there, NOON, NOON + 3 * SECOND_OF).state is state


def test_a_machine_must_be_offered_and_hold_the_data_and_its_databases() -> None:
    part = replace(MADE.snapshots[0], size=5 * GIB)
    made = replace(MADE, snapshots=(part, replace(part, part=Part.DATABASE, size=900 * GIB)))
    here = restore_way(MADE.database_facts, "10.11")
    assert judge_target(TARGET, OFFERED, OFFERED[1:], made, here).state is State.READY
    gone = judge_target(replace(TARGET, size="huge"), OFFERED, (), made, here)
    assert gone.seen == "huge : pas proposée (small, standard)"
    assert judge_target(TARGET, (), (), made, here).state is State.FAILED
    small = judge_target(replace(TARGET, size="small"), OFFERED, (), made, here)
    assert (small.state, small.seen.split(" ")[0]) == (State.FAILED, "small")
    assert "il faut 16,1 Go de disque" in small.seen
    several = judge_target(TARGET, OFFERED, OFFERED, made, here)
    assert several.seen.endswith(", sinon standard ; bases : copie physique (MariaDB 10.11)")
    newer = restore_way(MADE.database_facts, "11.8")
    assert judge_target(TARGET, OFFERED, OFFERED, made, newer).state is State.WARNING
    late = replace(MADE.database_facts, collations=("utf8mb4_uca1400_ai_ci",))
    never = restore_way(late, "10.5")
    assert judge_target(TARGET, OFFERED, OFFERED, made, never).state is State.FAILED
    assert (
        judge_target(TARGET, OFFERED, OFFERED, made, restore_way(late, "")).state is State.WARNING
    )


def test_a_drill_must_have_worked_this_quarter() -> None:
    last = Practised(NOON, 68 * SECOND_OF)
    good = judge_drill("web1", last, NOON + DRILL_WITHIN)
    assert (good.state, good.seen) == (State.READY, "réussi il y a 100 jours, en 68 s")
    assert judge_drill("web1", last, NOON + DRILL_WITHIN + SECOND_OF).state is State.FAILED
    assert judge_drill("web1", None, NOON).hint == "continuity drill web1"


def test_names_must_be_ours_to_lead_elsewhere_and_soon() -> None:
    name, ttl = judge_names(SITE, zone(led()), OLD)
    assert (name.state, ttl.state) == (State.READY, State.READY)
    _, slow = judge_names(SITE, zone(led(3600)), OLD)
    assert (slow.state, slow.seen) == (State.WARNING, f"{NAME} : 3600 s")
    away, _ = judge_names(SITE, zone(led(60, "192.0.2.1")), OLD)
    assert away.seen == f"mène à 192.0.2.1, pas à {OLD}"
    assert away.state is State.FAILED
    assert judge_names(SITE, zone(), OLD)[0].state is State.FAILED
    dark, unread = judge_names(SITE, zone(refused="key"), OLD)
    assert unread.state is State.UNKNOWN, "a TTL that nobody read is not short"
    assert (dark.state, dark.seen) == (State.UNKNOWN, "key")
    six, _ = judge_names(SITE, zone(led(), led(60, "2001:db8::1", kind="AAAA")), OLD)
    assert six.state is State.WARNING


def test_a_page_that_fails_today_is_named() -> None:
    page = SmokeCheck(f"https://{NAME}/order")
    seen = [SmokeResult(page, OLD, passed, "503", 0.1) for passed in (True, False)]
    assert judge_pages(SITE, seen[:1]).state is State.READY
    assert judge_pages(SITE, []).state is State.UNKNOWN
    assert judge_pages(SITE, seen).seen == "/order : 503"


@pytest.mark.parametrize(
    ("days", "state"), [(30, State.READY), (20, State.WARNING), (6, State.FAILED)]
)
def test_a_certificate_must_last_and_the_nearest_end_counts(days: int, state: State) -> None:
    page = SmokeResult(SmokeCheck(f"https://{NAME}/"), OLD, True, "200", 0.1)
    until = NOON + timedelta(days=days)
    seen = [replace(page, certificate_until=each) for each in (until, NOON + timedelta(days=90))]
    (found,) = judge_certificates(SITE, seen, NOON)
    assert (found.state, found.seen) == (state, f"encore {days} jours")
    (dark,) = judge_certificates(SITE, [*seen, replace(page, observed="refused")], NOON)
    assert (dark.state, dark.seen) == (State.UNKNOWN, "pas vu : refused")
    plain = replace(page, check=SmokeCheck(f"http://{NAME}/"))
    assert judge_certificates(SITE, [plain], NOON) == ()


def test_one_red_or_unknown_check_of_the_server_keeps_every_site_from_ready() -> None:
    good = Check("a", State.READY, "")
    own = Check("b", State.FAILED, "broken", "mend it", site="boutique")
    assert weigh("boutique", [good, own]).score == 50
    assert not weigh("boutique", [good, own]).ready
    assert weigh("vitrine", [good, own]).ready
    assert weigh("vitrine", [good, replace(good, state=State.WARNING)]).ready
    assert not weigh("vitrine", [good, Check("c", State.UNKNOWN, "no answer", "wait")]).ready
    assert not weigh("vitrine", []).ready
    other = replace(SITE, name="vitrine", title="La vitrine")
    document = readiness_document("web1", NOON, [SITE, other], [good, own])
    assert (document["ready"], problems(document)) == (False, ["b (boutique) : broken"])
    shown = readiness_html([document])
    assert "1 site sur 2 pas prêt" in shown
    assert shown.count("PAS PRÊT") == 1
    assert "<td>mend it</td>" in shown
    assert "<code>continuity drill web1</code>" in readiness_html(
        [readiness_document("web1", NOON, [SITE], [judge_drill("web1", None, NOON)])]
    )
    assert "2 sites prêts" in readiness_html(
        [readiness_document("web1", NOON, [SITE, other], [good])]
    )
    assert "aucun site" in readiness_html([])
    page = readiness_markdown([document])
    assert "| La boutique | web1 | 48h | 50 % | **PAS PRÊT** |" in page
    assert "| La vitrine | web1 | 48h | 100 % | prêt |" in page
    assert "**jamais / 48 h**" in page
    assert "| ✗ ÉCHEC | b | boutique | broken | mend it |" in page


def test_what_was_measured_stands_beside_what_was_promised() -> None:
    drill = judge_drill("web1", Practised(NOON, timedelta(minutes=3)), NOON)
    lag = ArchiveState("web1", ArchiveCondition.CURRENT, 5 * SECOND_OF, NOON, "")
    proof = Check("preuve", State.READY, "", at=NOON)
    checks = [drill, proof, judge_archive_lag(lag), judge_newest_set("web1", both(SECOND))]
    site = replace(SITE, tier=Tier.HOUR_1)
    document = readiness_document("web1", NOON, [site], checks, archived=True)
    shown = readiness_html([document])
    day = f"{NOON.astimezone(PARIS):%d/%m/%Y %H:%M}"
    for text in ("3 min 00 s / 1 h", "5,0 s / 60 s", day):
        assert f'<td class="figure">{text}</td>' in shown, text
    late = replace(drill, span=timedelta(hours=2))
    document = readiness_document("web1", NOON, [site], [late, *checks[1:]])
    shown = readiness_html([document])
    assert '<td class="figure no">2 h 00 min / 1 h</td>' in shown
    assert " / 24 h</td>" in shown, "without an archive the age of the set is what counts"


def test_the_page_shows_what_is_to_be_done_first_and_the_rest_folded() -> None:
    checks = [
        Check("bon", State.READY, "vu"),
        Check("moyen", State.WARNING, "vu", "a"),
        Check("mauvais", State.FAILED, "vu", "b"),
    ]
    shown = readiness_html([readiness_document("web1", NOON, [SITE], checks)])
    todo, _, folded = shown.partition("<details>")
    assert todo.index("mauvais") < todo.index("moyen")
    assert "bon</td>" not in todo
    assert folded.index("bon") < folded.index("moyen") < folded.index("mauvais")
    assert "Rien à faire." in readiness_html([readiness_document("web1", NOON, [SITE], checks[:1])])
