"""The recovery document: complete, in French, with nothing left over, and true to the estate."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from blocks.types import Contact, Duty
from flows.decisions.floating import Floating
from flows.decisions.pra import Pra, Version
from flows.decisions.pra_changes import changes, digest, estate_facts, promise_text, record
from flows.decisions.pra_missing import missing
from flows.reports.by_hand import by_hand_markdown, example, hand_server
from flows.reports.calendar_text import cron_text, day
from flows.reports.pra_html import pra_html
from flows.reports.pra_text import pra_markdown
from flows.tasks.pra_facts import account_of
from flows.tasks.schedules import jobs
from tests.pra_leftovers import leftovers
from tests.unit.pra_samples import SECRET, example_file, facts, lab_file
from tests.unit.samples import NOON
from tests.unit.test_docs import ROOT, continuity_commands, parse

BY_HAND = ROOT / "docs" / "restore-by-hand.md"


@pytest.fixture(scope="module")
def example_pra(tmp_path_factory: pytest.TempPathFactory) -> Pra:
    with pytest.MonkeyPatch.context() as patch:
        return facts(example_file(tmp_path_factory.mktemp("example"), patch))


@pytest.fixture(scope="module")
def lab_pra(tmp_path_factory: pytest.TempPathFactory) -> Pra:
    return facts(lab_file(tmp_path_factory.mktemp("lab")))


@pytest.fixture(params=["example_pra", "lab_pra"])
def pra(request: pytest.FixtureRequest) -> Pra:
    found: Pra = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pra:
    """Of an agency that has named nobody, and whose servers could not be looked at."""
    path = example_file(tmp_path, monkeypatch)
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("  # Qui appeler"), text.index("# --- Où fabriquer")
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    return facts(path, bare=True)


def chapters(markdown: str) -> list[str]:
    return re.findall(r"^## (.+)$", markdown, re.MULTILINE)


class TestText:
    def test_nothing_is_left_over(self, pra: Pra) -> None:
        assert leftovers(pra_markdown(pra)) == []

    def test_nothing_is_left_over_where_nothing_is_known(self, bare: Pra) -> None:
        assert leftovers(pra_markdown(bare)) == []

    @pytest.mark.parametrize(
        "line",
        [
            "| a | None |",
            "Reste {{ pra }}",
            "| a | | b |",
            "| a | |",
            "zone x: does not answer",
            "TODO",
            "clients de OmniWeb",
        ],
    )
    def test_what_is_left_over_is_found(self, line: str) -> None:
        assert leftovers(line)

    def test_it_holds_no_secret(self, pra: Pra) -> None:
        assert SECRET not in pra_markdown(pra)
        assert "AGE-SECRET-KEY-1" not in pra_markdown(pra)

    def test_every_fact_of_the_estate_is_in_it(self, pra: Pra) -> None:
        text = pra_markdown(pra)
        for person in pra.people:
            assert f"| {person.name} |" in text
            assert person.phone in text
            assert person.email in text
        for company in pra.suppliers:
            assert company.support in text
            assert company.contract in text
        for server in pra.servers:
            assert f"continuity recover {server.name}" in text
            assert f"ssh {server.login}" in text
        for site in pra.sites:
            assert all(name in text for name in (*site.domains, *site.roots, *site.databases))
        for store in (*pra.repositories, *pra.archives):
            assert store.address.endpoint in text
        assert pra.versions[-1].digest in text

    def test_the_lab_s_says_whom_to_tell_of_each_site(self, lab_pra: Pra) -> None:
        text = pra_markdown(lab_pra)
        told = {site: each.name for each in lab_pra.clients for site in each.sites}
        assert told == {
            "boutique": "L'Atelier des Rives",
            "journal": "Le Journal des Rives",
            "vitrine": "Harbour & Sons",
        }
        assert "| L'Atelier des Rives (direction@atelier.test, boutique@atelier.test) |" in text
        assert "contact à prendre dans le dossier du client" not in text

    def test_nothing_is_to_be_filled_in_where_all_is_known(self, pra: Pra) -> None:
        assert missing(pra) == ()
        assert not any("À compléter" in each for each in chapters(pra_markdown(pra)))

    def test_chapters_are_numbered_and_every_mapping_leads_to_one(self, pra: Pra) -> None:
        text = pra_markdown(pra)
        numbers = [each.split(".")[0] for each in chapters(text)]
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        assert set(re.findall(r"\]\(#(\d+)\)", text)) <= set(numbers)
        told = {int(each) for each in re.findall(r"chapitre[s]? (\d+)", text)}
        assert told <= {int(each) for each in numbers}

    def test_its_commands_are_real_ones(self, pra: Pra) -> None:
        found = sorted(set(continuity_commands(pra_markdown(pra))))
        assert len(found) > 10
        for line in found:
            parse(line)

    def test_the_plan_is_the_plan_codes_own(self, lab_pra: Pra) -> None:
        (server,) = lab_pra.servers
        assert server.plan is not None
        text = pra_markdown(lab_pra)
        assert server.plan.set_id in text
        assert "Atelier — boutique en ligne, puis Le Journal des Rives, puis Vitrine" in text
        assert "Adresse flottante" not in text
        moving = replace(server.plan, floating=Floating("192.0.2.10", "hetzner-vps/home", "fsn1"))
        text = pra_markdown(replace(lab_pra, servers=(replace(server, plan=moving),)))
        row = "| Adresse flottante | 192.0.2.10 déplacée si la machine est faite chez"
        assert f"{row} hetzner-vps/home, fsn1" in text


class TestMissing:
    def test_it_says_what_to_fill_in(self, bare: Pra) -> None:
        text = pra_markdown(bare)
        chapter = text.split("À compléter\n", 1)[1]
        for said in (
            "agency.people",
            "agency.suppliers",
            "continuity backup web1",
            "enregistrement DNS",
        ):
            assert said in chapter, said

    def test_a_role_that_nobody_holds(self, example_pra: Pra) -> None:
        only = tuple(each for each in example_pra.people if Duty.COMMUNICATION not in each.duties)
        (found,) = missing(replace(example_pra, people=only))
        assert "communication" in found.what

    def test_a_provider_that_no_supplier_covers(self, example_pra: Pra) -> None:
        (found,) = missing(replace(example_pra, suppliers=example_pra.suppliers[:1]))
        assert "scaleway" in found.what


class TestChanges:
    def test_added_removed_and_changed_are_told(self, example_pra: Pra) -> None:
        before = estate_facts(example_pra)
        left = example_pra.people[:-1]
        called = replace(left[0], phone="+33 6 99 99 99 99")
        new = Contact("Léo Martin", (Duty.COMMUNICATION,), "+33 6 1", "leo@omniweb.example", 4)
        after = estate_facts(replace(example_pra, people=(called, *left[1:], new)))
        found = changes(before, after)
        assert (
            "changé : personne Camille Roussel, téléphone, "
            "« +33 6 00 00 00 01 » devient « +33 6 99 99 99 99 »" in found
        )
        assert any(each.startswith("ajouté : personne Léo Martin") for each in found)
        assert any(each.startswith("retiré : personne Nadia Ferrand") for each in found)
        assert not any("personne Julien" in each for each in found)

    def test_the_same_facts_make_no_new_version(self, example_pra: Pra) -> None:
        known = estate_facts(example_pra)
        first = record((), {}, known, NOON)
        assert [each.changes for each in first] == [("première version",)]
        assert record(first, known, known, NOON + timedelta(days=1)) == first

    def test_a_change_makes_a_version_with_its_day(self, example_pra: Pra) -> None:
        known = estate_facts(example_pra)
        first = record((), {}, known, NOON)
        later = NOON + timedelta(days=1)
        other = known | {"serveur web1, adresse": "192.0.2.99"}
        *_, last = record(first, known, other, later)
        assert last == Version(
            later,
            digest(other),
            ("changé : serveur web1, adresse, « 192.0.2.10 » devient « 192.0.2.99 »",),
        )

    def test_what_is_measured_is_no_change(self, example_pra: Pra) -> None:
        assert estate_facts(replace(example_pra, trials=(), jobs=())) == estate_facts(example_pra)


class Tags(HTMLParser):
    """Collects what a page refers to, and whether its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {str(given["id"])} if "id" in given else set()
        if tag == "a":
            self.links.append(str(given["href"]))
        self.outside += [str(given[each]) for each in ("src", "srcset") if each in given]
        self.outside += [tag] if tag in ("link", "script", "iframe") else []


class TestHtml:
    def test_it_needs_no_other_file_and_every_link_leads_somewhere(self, pra: Pra) -> None:
        page = Tags()
        text = pra_html(pra, pra_markdown(pra))
        page.feed(text)
        assert page.outside == []
        inner = [each.removeprefix("#") for each in page.links if each.startswith("#")]
        assert len(inner) > 20
        assert set(inner) <= page.anchors
        assert "url(" not in text

    def test_boxes_can_be_ticked_and_no_markdown_is_left(self, pra: Pra) -> None:
        text = pra_html(pra, pra_markdown(pra))
        assert text.count('class="box"') > 20
        body = re.sub(r"<(pre|code|style).*?</\1>", "", text, flags=re.DOTALL)
        assert [each for each in ("**", "[ ]", "| |", "](", "```") if each in body] == []

    def test_every_printed_page_has_day_and_digest(self, pra: Pra) -> None:
        head = pra_html(pra, pra_markdown(pra)).split("</style>", 1)[0]
        assert f"empreinte {pra.versions[-1].digest}" in head
        assert day(pra.at) in head

    def test_a_name_cannot_break_the_page(self, example_pra: Pra) -> None:
        named = replace(example_pra, agency='A"<script>alert(1)</script>')
        text = pra_html(named, pra_markdown(named))
        assert "<script>" not in text


class TestByHand:
    def test_the_static_page_has_the_same_steps(self) -> None:
        steps = by_hand_markdown(example(), "##", "###")
        found = BY_HAND.read_text(encoding="utf-8")
        assert found.endswith(steps), "python -m tests.unit.test_pra writes them there"

    def test_real_names_are_in_the_blocks(self, lab_pra: Pra) -> None:
        text = pra_markdown(lab_pra)
        for line in (
            "SERVEUR='web1'",
            "PAQUETS='nginx php8.2-fpm php8.2-mysql'",
            "SITE='boutique'",
            "BASES='boutique'",
            "DOMAINE='boutique.atelier.test'",
            "COMPTE='boutique'",
            "COMPARTIMENT='continuity'",
            "COMPARTIMENT='copies'",
            "ARCHIVE='copies/archive'",
        ):
            assert re.search(rf"^{line}( |$)", text, re.MULTILINE), line

    def test_a_server_without_a_set_is_named_all_the_same(self) -> None:
        assert hand_server("web1", None).packages == "nginx"

    def test_an_account_is_found_by_name_or_home(self, lab_pra: Pra) -> None:
        made = lab_pra.servers[0].made
        assert made is not None
        accounts = made.server_facts.accounts
        assert account_of("boutique", ["/srv/other"], accounts) == "boutique"
        assert account_of("shop", ["/srv/boutique"], accounts) == "boutique"
        assert account_of("vitrine", ["/srv/vitrine"], accounts) == ""


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("15 4 * * *", "chaque jour à 4 h 15"),
        ("45 5 * * 0", "chaque dimanche à 5 h 45"),
        ("* * * * *", "chaque minute"),
        ("*/5 * * * *", "toutes les 5 minutes"),
        ("30 5 1 1,4,7,10 *", "le 1er de janvier, d'avril, de juillet et d'octobre à 5 h 30"),
        ("0 6 2 * *", "le 2 de chaque mois à 6 h"),
        ("0 6 2 * 1", "selon la ligne cron `0 6 2 * 1`"),
    ],
)
def test_a_cron_line_is_said_in_words(cron: str, said: str) -> None:
    assert cron_text(cron) == said


def test_what_runs_by_itself_is_that_of_the_deployments() -> None:
    found = {each.title: each.when for each in jobs()}
    assert found["Exercice de reprise"].startswith("le 1er")
    assert found["Document de PRA"] == "chaque jour à 9 h 30"
    assert "Reprise après sinistre" not in found


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=60), "60 s"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=48), "48 h"),
        (timedelta(days=7), "7 jours"),
    ],
)
def test_promises_are_said_as_they_are_given(span: timedelta, said: str) -> None:
    assert promise_text(span) == said


if __name__ == "__main__":
    text = BY_HAND.read_text(encoding="utf-8")
    before = text[: text.index("## 1. ")]
    BY_HAND.write_text(before + by_hand_markdown(example(), "##", "###"), encoding="utf-8")
