"""What may go back on a server that goes on, and whether what was loaded is what was wanted."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from blocks.errors import ConfigurationError, DamagedData, DiskFull, NotFound, UnsafePlan
from blocks.types import (
    AccountRights,
    DatabaseContent,
    Label,
    LogId,
    LogPiece,
    LogPoint,
    LogSpan,
    Part,
    Snapshot,
    TableContent,
)
from flows.decisions.point_in_time import comes_before
from flows.decisions.retention import UNDO_KEPT, undo_to_keep
from flows.decisions.site_restore import (
    SiteMark,
    SiteRestorePlan,
    SiteSight,
    Stage,
    TableChange,
    changes,
    decide_site_restore,
    differing_tables,
    own_accounts,
    program_problems,
    read_mark,
    site_plan_from_document,
    table_problems,
    write_mark,
)
from flows.decisions.site_restore_guard import (
    MARGIN,
    require_no_broken_load,
    require_physical,
    require_room,
    require_site,
    room_needed,
)
from flows.reports.any_plan import page, read_plan, told
from flows.reports.site_restore_text import site_restore_document, site_restore_report
from tests.unit.samples import NOON, recovery_set

LOG = LogId("binlog.000001", "abc")
END = LogPoint(LOG, 900, "0-1-9", ("0-1-9",), NOON + timedelta(minutes=5))
SHOP = AccountRights("'shop'@'localhost'", ("boutique",), elsewhere=False, locked=False)
ORDERS, LINES = TableContent("boutique.orders", 3, "11"), TableContent("boutique.lines", 5, "22")
VIEW, EVENT = "view boutique.best aa", "event boutique.weekly bb"


def content(*tables: TableContent, programs: tuple[str, ...] = (EVENT, VIEW)) -> DatabaseContent:
    return DatabaseContent(("boutique",) if tables else (), 100, tables, programs, "0-1-20")


def sight(**changed: object) -> SiteSight:
    values: dict[str, object] = {
        "server": "web1",
        "site": "boutique",
        "title": "La boutique",
        "databases": ("boutique",),
        "chosen": recovery_set(),
        "wanted": "before 0-1-10",
        "end": END,
        "spans": (),
        "shared": (),
        "notes": (),
        "mark": None,
    }
    return SiteSight(**(values | changed))  # type: ignore[arg-type]


def plan(
    now: DatabaseContent | None = None, rights: tuple[AccountRights, ...] = (SHOP,), **seen: object
) -> SiteRestorePlan:
    then, present = content(ORDERS, LINES), now or content(ORDERS)
    return decide_site_restore("inc-1", sight(**seen), then, present, rights)


def mark(stage: Stage, site: str = "boutique") -> SiteMark:
    return SiteMark("inc-0", site, (SHOP.account,), stage)


def test_the_digest_stands_while_the_site_goes_on() -> None:
    later = plan(now=content(replace(ORDERS, rows=70)))
    assert later.digest == plan().digest
    assert plan(end=replace(END, offset=950)).digest != plan().digest
    assert plan(rights=()).digest != plan().digest


def test_the_digest_stands_when_a_killed_run_left_the_accounts_closed() -> None:
    closed = (replace(SHOP, locked=True),)
    for stage in (Stage.CLOSED, Stage.LOADING):
        assert plan(rights=closed, mark=mark(stage)).digest == plan().digest
    assert plan(rights=closed, mark=mark(Stage.DONE)).accounts == ()
    done = replace(mark(Stage.DONE), incident="inc-1")
    assert plan(rights=closed, mark=done).digest == plan().digest, "killed before it opened them"


def test_a_plan_survives_the_journal() -> None:
    made = plan()
    assert site_plan_from_document(asdict(made)) == made
    assert read_plan(asdict(made)) == made
    assert made.again == ('continuity restore-site boutique --at "before 0-1-10" --incident inc-1')


def test_the_plan_shows_what_comes_goes_and_changes() -> None:
    wrong, more = TableContent("boutique.wrong", 0), replace(ORDERS, rows=4)
    made = plan(now=content(wrong, more))
    assert changes(made) == (
        TableChange("boutique.lines", None, 5),
        TableChange("boutique.wrong", 0, None),
        TableChange("boutique.orders", 4, 3),
    )
    text = page(made, NOON + timedelta(hours=1))
    assert "| `boutique.wrong` | 0 ligne | n'existe pas |" in text
    assert "| `boutique.orders` | 4 lignes | 3 lignes |" in text
    assert made.digest in text
    assert "continuity approve inc-1" in told(made, "", asked=True)
    assert told(made, "", asked=False).startswith(f"Plan `{made.digest}`")


def test_a_database_that_did_not_exist_then_is_refused() -> None:
    with pytest.raises(UnsafePlan, match="blog did not exist"):
        plan(databases=("blog", "boutique"))


def test_what_a_person_must_know_is_said() -> None:
    said = " ".join(plan(rights=(), shared=("vitrine",), mark=mark(Stage.LOADING)).warnings)
    assert "mettez-le en maintenance" in said
    assert "vitrine" in said
    assert "inc-0" in said
    assert plan().warnings == ()


@pytest.mark.parametrize(
    ("rights", "own"),
    [
        (SHOP, True),
        (replace(SHOP, databases=("bou\\_tique",)), False),
        (replace(SHOP, databases=("boutique", "blog")), False),
        (replace(SHOP, databases=("bou%",)), False),
        (replace(SHOP, databases=()), False),
        (replace(SHOP, elsewhere=True), False),
        (replace(SHOP, locked=True), False),
    ],
)
def test_only_an_account_of_this_site_alone_is_closed(rights: AccountRights, own: bool) -> None:
    assert own_accounts([rights], ("boutique",)) == ((SHOP.account,) if own else ())


def test_an_escaped_name_in_a_right_is_that_name() -> None:
    rights = replace(SHOP, databases=("la\\_boutique",))
    assert own_accounts([rights], ("la_boutique",)) == (SHOP.account,)


def test_sites_that_cannot_go_back_are_refused() -> None:
    sites = {"boutique": ["boutique"], "vitrine": []}
    require_site("web1", "boutique", sites)
    with pytest.raises(NotFound, match="there: boutique, vitrine"):
        require_site("web1", "blog", sites)
    with pytest.raises(ConfigurationError, match="no database"):
        require_site("web1", "vitrine", sites)


def test_sets_that_cannot_be_replayed_here_are_refused() -> None:
    chosen = recovery_set()
    require_physical(chosen, "10.11")
    dumps = tuple(ref for ref in chosen.snapshots if ref.part is not Part.PHYSICAL)
    for only_dumps in (replace(chosen, snapshots=dumps), replace(chosen, position=None)):
        with pytest.raises(UnsafePlan, match="dumps only"):
            require_physical(only_dumps, "10.11")
    for series in ("11.8", ""):
        with pytest.raises(UnsafePlan, match=r"copied from MariaDB 10\.11"):
            require_physical(chosen, series)


def test_half_loaded_databases_of_another_site_come_first() -> None:
    require_no_broken_load("boutique", mark(Stage.LOADING))
    require_no_broken_load("boutique", mark(Stage.DONE, "blog"))
    with pytest.raises(UnsafePlan, match="restore-site blog"):
        require_no_broken_load("boutique", mark(Stage.LOADING, "blog"))


def test_room_is_reckoned_before_anything_is_written() -> None:
    piece = LogPiece("key", 40, NOON, LOG, 0, 900)
    needed = room_needed(1000, [LogSpan(LOG, 900, (piece,))], 50)
    assert needed == 1000 + 900 + 40 + 100 + MARGIN
    require_room("web1", needed, needed)
    with pytest.raises(DiskFull, match="df -h"):
        require_room("web1", needed - 1, needed)


def test_what_was_loaded_is_compared_with_what_was_wanted() -> None:
    made = plan()
    assert table_problems(made, content(ORDERS, LINES)) == ()
    wrong = content(replace(ORDERS, rows=2), TableContent("boutique.wrong", 1))
    assert table_problems(made, wrong) == (
        "boutique.lines is missing",
        "boutique.wrong should not be there",
        "boutique.orders has 2 rows instead of 3",
    )
    changed = content(replace(ORDERS, checksum="99"), replace(LINES, rows=6, checksum="99"))
    assert differing_tables(made, changed) == ("boutique.orders",)


def test_programs_are_compared_by_what_they_say() -> None:
    loaded = content(ORDERS, programs=("view boutique.best zz",))
    assert program_problems(plan(), loaded) == (
        "event boutique.weekly differs",
        "view boutique.best differs",
    )
    assert program_problems(plan(), content(ORDERS)) == ()


def test_a_mark_that_cannot_be_read_is_never_guessed() -> None:
    assert read_mark("") is None
    assert read_mark(write_mark(mark(Stage.LOADING))) == mark(Stage.LOADING)
    with pytest.raises(DamagedData, match="cannot be read"):
        read_mark('{"incident": 1}')


def test_a_report_is_green_only_when_the_pages_answer() -> None:
    undo = {
        "command": "continuity restore-site boutique --at 0-1-20",
        "snapshots": {"boutique": "f0"},
    }
    good, bad = (
        site_restore_document(plan(), "Camille", timedelta(seconds=6), undo, ("FLOAT",), problem)
        for problem in ("", "/: 500")
    )
    assert (good["verdict"], bad["verdict"]) == ("recovered", "partly recovered")
    assert "8 lignes" in str(good["summary"])
    assert "fermé 6,0 s" in str(good["summary"])
    for wanted in ("--at 0-1-20", "`f0`", "FLOAT", "/: 500"):
        assert wanted in site_restore_report(bad)


def test_exports_from_before_a_load_outlive_retention_for_a_month() -> None:
    def snapshot(name: str, part: Part, days: float) -> Snapshot:
        label = Label("web1", "inc-1", part, "boutique")
        return Snapshot(name, label, "tree", NOON - timedelta(days=days), 1, 1, 1)

    kept = UNDO_KEPT / timedelta(days=1)
    found = [
        snapshot("new", Part.UNDO, kept - 0.1),
        snapshot("old", Part.UNDO, kept),
        snapshot("dump", Part.DATABASE, 1),
    ]
    assert undo_to_keep(found, NOON) == {"new"}


def test_a_set_that_holds_later_transactions_cannot_lead_to_a_point() -> None:
    position = recovery_set().position
    assert position is not None
    begin = replace(position, file=LOG.name, identity=LOG.identity, offset=901, gtid="0-1-11")
    assert comes_before(END, begin)
    assert not comes_before(END, replace(begin, offset=900))
    assert not comes_before(END, replace(begin, gtid="0-1-9,2-1-1")), "only the log's end follows"
    assert not comes_before(END, replace(begin, file="binlog.000002"))
