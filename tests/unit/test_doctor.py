"""What the doctor makes of answers: red, doubt, silence, and never good without proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from blocks.errors import (
    AuthenticationFailed,
    ContinuityError,
    DamagedData,
    HostKeyMismatch,
    NotFound,
    PermissionDenied,
    Unreachable,
)
from blocks.types import (
    Access,
    BucketCheck,
    CheckResult,
    CheckState,
    KeyRole,
    ListedPrice,
    MachineNeeds,
    MachineSize,
    Part,
    Room,
    SelfTest,
    SmokeCheck,
    SmokeResult,
    Stock,
)
from flows.decisions.doctor import (
    Costing,
    Diagnosis,
    Health,
    SetsSeen,
    Thing,
    all_good,
    judge_archive,
    judge_login,
    judge_look,
    judge_repository,
    judge_zone,
    judged,
    refused,
    untried,
)
from flows.decisions.doctor_machines import Use, UseSeen, judge_provider
from flows.decisions.drill_cost import Limits
from flows.decisions.readiness_machines import RoomView
from flows.decisions.recovery_plan import TargetChoice
from flows.reports.doctor_text import cost_lines, details, doctor_document, row, summary
from tests.unit.samples import NOON, recovery_set

STORE, HOST = Thing("repositories", "principal"), Thing("providers", "hetzner")
DENIED = PermissionDenied("key", "AccessDenied", "grant it")
LOST = Unreachable("store", "no answer", "wait")
KEYS: dict[KeyRole, str | ContinuityError] = {role: f"id-{role}" for role in KeyRole}
PROVEN = SelfTest(
    "place",
    NOON,
    tuple(CheckResult(each, CheckState.HELD, "tenu") for each in BucketCheck),
    "COMPLIANCE",
)
GB = 10**9
SMALL = MachineSize("cx33", 4, 8 * 1024**3, 80 * GB, Decimal("0.0123"), "EUR", Stock.AVAILABLE)
TARGET = TargetChoice("hetzner", "", "fsn1", needs=MachineNeeds(4, 8 * 1024**3, 40 * GB))
LIMITS = Limits(Decimal(5), "EUR", 4, Decimal(0))
FULL = Access("projet", ("lire", "créer"))


def test_what_may_come_in_a_moment_is_silence_and_the_rest_is_bad() -> None:
    for error, health in (
        (LOST, Health.SILENT),
        (DENIED, Health.BAD),
        (AuthenticationFailed("a", "b", "c"), Health.BAD),
        (HostKeyMismatch("a", "b", "c"), Health.BAD),
    ):
        found = refused(HOST, error)
        assert (found.health, found.hint) == (health, error.hint)
        assert not all_good([found])


@pytest.mark.parametrize(
    ("seen", "health"),
    [
        (Access("me", ("lire",)), Health.GOOD),
        (Access("me", ("lire",), unseen=("écrire",)), Health.DOUBT),
        (Access("me", ("lire",), ("écrire",), ("détruire",)), Health.BAD),
        (Access("me"), Health.DOUBT),
    ],
)
def test_nothing_is_good_without_a_right_that_was_seen(seen: Access, health: Health) -> None:
    found = judged(HOST, seen, hint="do it")
    assert (found.health, found.hint) == (health, "" if health is Health.GOOD else "do it")


def test_doubts_and_what_cannot_be_tried_are_allowed() -> None:
    doubt = judged(HOST, Access("me"), hint="h")
    assert all_good([doubt, untried(HOST, "un signal", "voir")])


class TestRepository:
    def test_all_is_proven(self) -> None:
        found = judge_repository(STORE, KEYS, {"web1": SetsSeen(3)}, PROVEN, NOON)
        assert found.health is Health.GOOD
        assert found.may[:2] == (
            "se connecter (travail, serveur, ménage)",
            "lire 3 jeux (mot de passe bon)",
        )

    def test_a_refused_key_is_told_with_its_role(self) -> None:
        keys = KEYS | {KeyRole.PRUNE: DENIED}
        found = judge_repository(STORE, keys, {"web1": SetsSeen(3)}, PROVEN, NOON)
        assert found.health is Health.BAD
        assert found.missing == ("clé « ménage » : AccessDenied",)
        assert found.hint == "grant it"

    def test_a_store_that_is_not_there_is_silent(self) -> None:
        keys: dict[KeyRole, str | ContinuityError] = dict.fromkeys(KeyRole, LOST)
        found = judge_repository(STORE, keys, {"web1": LOST}, None, NOON)
        assert (found.health, found.hint) == (Health.SILENT, "wait")
        half = judge_repository(STORE, KEYS | {KeyRole.SERVER: LOST}, {}, PROVEN, NOON)
        assert half.health is Health.SILENT

    def test_a_password_that_opens_nothing(self) -> None:
        sets = {"web1": SetsSeen(0, ("was changed", "was changed"))}
        found = judge_repository(STORE, KEYS, sets, PROVEN, NOON)
        assert found.health is Health.BAD
        assert "aucun jeu de web1 ne s'ouvre" in found.missing[0]
        assert found.hint == "continuity sets web1"

    @pytest.mark.parametrize(
        ("sets", "test", "doubt", "hint"),
        [
            ({}, PROVEN, "aucun jeu à ouvrir", "continuity backup"),
            ({"web1": SetsSeen(0)}, PROVEN, "aucun jeu à ouvrir", "continuity backup web1"),
            ({"web1": SetsSeen(2, ("x",))}, PROVEN, "1 jeu illisible", "continuity sets web1"),
            (
                {"web1": SetsSeen(2)},
                None,
                "jamais essayés",
                "continuity repository check principal",
            ),
            (
                {"web1": SetsSeen(2)},
                replace(PROVEN, at=NOON - timedelta(days=30)),
                "à tester de nouveau",
                "continuity repository check principal",
            ),
        ],
    )
    def test_what_was_not_seen_is_a_doubt(
        self, sets: dict[str, SetsSeen], test: SelfTest | None, doubt: str, hint: str
    ) -> None:
        found = judge_repository(STORE, KEYS, sets, test, NOON)
        assert found.health is Health.DOUBT
        assert doubt in " ".join(found.doubts)
        assert found.hint == hint


def test_an_archive_whose_identity_is_another_one() -> None:
    damaged = DamagedData("piece", "is not for this identity", "compare identity_key")
    found = judge_archive(STORE, KEYS, damaged, PROVEN, NOON)
    assert (found.health, found.hint) == (Health.BAD, "compare identity_key")
    assert judge_archive(STORE, KEYS, "piece", PROVEN, NOON).health is Health.GOOD
    assert judge_archive(STORE, KEYS, "", PROVEN, NOON).health is Health.DOUBT


def test_a_zone_in_which_nothing_could_be_rehearsed_is_a_doubt() -> None:
    zone = Thing("zones", "z")
    assert judge_zone(zone, "clé", 2).health is Health.GOOD
    assert judge_zone(zone, "clé", 0).health is Health.DOUBT


def test_a_page_that_is_not_as_declared_is_a_doubt_about_who_looks() -> None:
    page = SmokeCheck("https://a.test/")
    seen = SmokeResult(page, "192.0.2.1", True, "HTTP 200", 0.1)
    assert judge_look(Thing("probe", "probe"), seen).health is Health.GOOD
    seen = replace(seen, passed=False, observed="HTTP 502")
    found = judge_look(Thing("probe", "probe"), seen)
    assert (found.health, "HTTP 502" in found.doubts[0]) == (Health.DOUBT, True)


@pytest.mark.parametrize(
    ("said", "who", "health"),
    [
        ("uid=0(root) gid=0(root) groups=0(root)\n", "root@10.0.0.1", Health.GOOD),
        ("uid=0(toor) gid=0(root)", "toor@10.0.0.1", Health.GOOD),
        ("uid=1000(debian) gid=1000(debian) groups=1000(debian),27(sudo)", "debian@10.0.0.1",
         Health.BAD),
        ("", "@10.0.0.1", Health.BAD),
    ],
)  # fmt: skip
def test_only_roots_equal_may_log_in(said: str, who: str, health: Health) -> None:
    found = judge_login(Thing("servers", "web1"), said, "10.0.0.1")
    assert (found.who, found.health) == (who, health)


def seen_at(**changes: object) -> UseSeen:
    use = Use("web1", TARGET, alone=True, limits=LIMITS)
    room = RoomView(TARGET, Room(Stock.AVAILABLE, "cx33 disponible"))
    seen = UseSeen(use, ("cx23", "cx33"), (SMALL,), room, recovery_set())
    return replace(seen, **changes)  # type: ignore[arg-type]


class TestProvider:
    def test_a_machine_can_be_had_and_what_it_costs(self) -> None:
        found = judge_provider(HOST, FULL, [seen_at()])
        assert (found.health, found.hint) == (Health.GOOD, "")
        (cost,) = found.costs
        assert (cost.hour, cost.month, cost.currency) == (
            Decimal("0.0123"), Decimal("8.9790"), "EUR",
        )  # fmt: skip
        assert cost.drill.startswith("au plus 0,06 €")

    def test_a_size_that_does_not_fit_the_data_is_red(self) -> None:
        made = recovery_set()
        big = tuple(
            replace(each, size=300 * GB) if each.part is Part.PHYSICAL else each
            for each in made.snapshots
        )
        seen = seen_at(tried=(), made=replace(made, snapshots=big))
        found = judge_provider(HOST, FULL, [seen])
        assert found.health is Health.BAD
        assert "trop petite" in found.missing[0]
        assert found.costs == ()

    @pytest.mark.parametrize(("alone", "health"), [(True, Health.BAD), (False, Health.DOUBT)])
    def test_sold_out_is_red_only_where_there_is_no_other_target(
        self, alone: bool, health: Health
    ) -> None:
        seen = seen_at(
            use=Use("web1", TARGET, alone=alone),
            room=RoomView(TARGET, Room(Stock.SOLD_OUT, "cx33 épuisée")),
        )
        assert judge_provider(HOST, FULL, [seen]).health is health

    def test_stock_that_nobody_tells_is_a_doubt(self) -> None:
        seen = seen_at(room=RoomView(TARGET, Room(Stock.UNKNOWN, "stock non communiqué")))
        found = judge_provider(HOST, FULL, [seen])
        assert (found.health, found.hint) == (
            Health.DOUBT,
            "un exercice le prouve : continuity drill web1",
        )

    def test_data_whose_size_is_not_known_is_a_doubt(self) -> None:
        found = judge_provider(HOST, FULL, [seen_at(made=None, unread="no answer")])
        assert "taille des données inconnue (no answer)" in found.doubts[0]
        found = judge_provider(HOST, FULL, [seen_at(made=None)])
        assert "aucun jeu encore" in found.doubts[0]

    def test_a_missing_right_names_itself_and_comes_first(self) -> None:
        access = Access("projet", ("lire",), ("créer des machines",))
        found = judge_provider(HOST, access, [seen_at(tried=())])
        assert found.missing[0] == "créer des machines"
        assert "jeton" in found.hint

    def test_a_place_that_is_refused_is_red_and_a_lost_answer_is_a_doubt(self) -> None:
        use = Use("web1", TARGET)
        assert judge_provider(HOST, FULL, [(use, DENIED)]).health is Health.BAD
        assert judge_provider(HOST, FULL, [(use, LOST)]).health is Health.DOUBT

    def test_a_floating_address_that_is_not_there_is_red(self) -> None:
        lost = NotFound("address", "is not ours", "look at the project")
        found = judge_provider(HOST, FULL, [seen_at()], {"192.0.2.10": lost})
        assert (found.health, found.hint) == (Health.BAD, "look at the project")
        assert found.missing == ("adresse flottante 192.0.2.10 : is not ours",)
        found = judge_provider(HOST, FULL, [seen_at()], {"192.0.2.10": None})
        assert (found.health, found.may[-1]) == (
            Health.GOOD,
            "voir l'adresse flottante 192.0.2.10",
        )

    def test_one_that_no_server_names_is_judged_by_itself(self) -> None:
        unused = Use("", TargetChoice("hetzner", "", ""))
        found = judge_provider(HOST, FULL, [seen_at(use=unused, made=None)])
        assert (found.health, found.costs[0].about) == (Health.GOOD, "cx33")
        assert found.costs[0].drill == ""

    def test_the_dated_price_where_the_provider_tells_none(self) -> None:
        listed = ListedPrice("Hetzner CX33", Decimal("0.02"), "EUR", date(2026, 8, 17), 80)
        seen = seen_at(
            tried=(replace(SMALL, price=None, currency=""),),
            use=Use("web1", TARGET, listed=listed, limits=LIMITS),
        )
        (cost,) = judge_provider(HOST, FULL, [seen]).costs
        assert (cost.month, cost.read_on) == (Decimal("14.60"), date(2026, 8, 17))


class TestText:
    priced = Costing("web1 : cx33", Decimal("0.0123"), Decimal("8.979"), "EUR", drill="au plus 1 €")
    found = Diagnosis(
        HOST, Health.BAD, "projet", ("lire",), ("créer",), ("détruire",), (priced,), "refaire"
    )

    def test_a_line_of_the_table(self) -> None:
        assert row(self.found) == (
            "✗", "hetzner", "projet", "lire", "créer ; détruire", "0,0123 · 8,98 €",
        )  # fmt: skip
        assert row(untried(HOST, "un signal", "voir"))[2:] == ("—", "—", "un signal", "—")

    @pytest.mark.parametrize(
        ("costs", "text"),
        [
            ((Costing("x"),), "inconnu"),
            ((Costing("x", month=Decimal("8.1"), currency="EUR", per_tb=True),), "8,10 €/To"),
            ((Costing("x", Decimal(0), Decimal(0), "EUR"),), "0"),
            ((priced, priced), "0,0123 · 8,98 € …"),
        ],
    )
    def test_the_cell_of_the_cost(self, costs: tuple[Costing, ...], text: str) -> None:
        assert row(replace(self.found, costs=costs))[5] == text

    def test_all_that_is_known_of_a_thing(self) -> None:
        assert details(self.found) == [
            "✗ providers hetzner : REFUSÉ OU INCOMPLET",
            "    qui : projet",
            "    peut : lire",
            "    manque : créer",
            "    non vu : détruire",
            "    à faire : refaire",
        ]
        assert details(untried(HOST, "un signal", "voir"))[1] == "    pourquoi : un signal"

    def test_what_it_costs_with_the_day_of_the_list(self) -> None:
        first, drill = cost_lines(self.found)
        assert first == "providers hetzner, web1 : cx33 : 0,0123 € l'heure, 8,98 € par mois"
        assert drill == "    un exercice y coûte au plus 1 €"
        dated = replace(self.priced, read_on=date(2026, 8, 17), drill="")
        assert "(relevé du 17/08/2026)" in cost_lines(replace(self.found, costs=(dated,)))[0]

    def test_the_summary_counts(self) -> None:
        good = judged(HOST, FULL, hint="")
        said = summary([self.found, good, good, untried(HOST, "a", "b")])
        assert said == "4 éléments du fichier du parc : 2 bons, 1 en rouge, 1 non essayé."

    def test_the_document_holds_everything(self) -> None:
        document = doctor_document([self.found], NOON)
        assert document["good"] is False
        assert document["things"] == [
            {
                "section": "providers", "name": "hetzner", "part": "", "state": "bad",
                "who": "projet", "may": ("lire",), "missing": ("créer",), "doubts": ("détruire",),
                "costs": [{
                    "about": "web1 : cx33", "hour": "0.0123", "month": "8.98", "currency": "EUR",
                    "per_tb": False, "read_on": None, "drill": "au plus 1 €",
                }],
                "hint": "refaire",
            }
        ]  # fmt: skip
