"""What continuity costs: the arithmetic, what is not known, and what is old."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from blocks.errors import ConfigurationError
from blocks.types import MachineSize
from deployments.cli.main import commands
from deployments.prices import FILE, read_prices
from flows.decisions.cost import (
    Choice,
    MachinePrice,
    Need,
    PriceList,
    Staff,
    StoragePrice,
    cheapest,
    egress,
    estimates,
    is_old,
    machine_month,
    named,
    storage_month,
)
from flows.decisions.live_prices import LIVE, company, with_live
from flows.reports.cost_page import cost_html, cost_markdown
from flows.reports.cost_text import amount_text, cost_document, source_text, total_text

READ = date(2026, 8, 1)
EUR, USD = "EUR", "USD"
GB, GIB = 10**9, 1024**3
NEED = Need(servers=2, largest=Decimal(60), stored=Decimal(200), written=Decimal(2))


def machine(month: str = "10", disk: int = 80, **changes: object) -> MachinePrice:
    made = MachinePrice(
        "Ici", "M", EUR, READ, "liste", cores=4, memory_gb=8, disk_gb=disk, month=Decimal(month),
        disk_gb_month=Decimal("0.05"),
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def storage(provider: str = "Là", tb_month: str = "8", **changes: object) -> StoragePrice:
    made = StoragePrice(provider, "S", EUR, READ, "liste", tb_month=Decimal(tb_month))
    return replace(made, **{"egress_gb": Decimal("0.1")} | changes)  # type: ignore[arg-type]


def prices(machines: list[MachinePrice], storages: list[StoragePrice]) -> PriceList:
    staff = Staff(
        recovery=(Decimal(200), Decimal(500)),
        drill=(Decimal(100), Decimal(200)),
        administrator_year=(Decimal(600), Decimal(1200)),
        standby_month=(Decimal(200), Decimal(300)),
        standby_setup=(Decimal(1000), Decimal(1000)),
    )
    return PriceList(
        tuple(machines), tuple(storages), staff, timedelta(days=90), hours_in_month=Decimal(730)
    )


def test_a_machine_gets_the_disk_that_readiness_would_ask_for() -> None:
    # 5 GiB and twice 60 GB: 125.37 GB, of which 45.37 are bought beside the machine's own 80.
    assert NEED.disk == pytest.approx(Decimal("125.36870912"))
    assert machine_month(machine(), NEED) == pytest.approx(Decimal("12.268435456"))
    small = replace(NEED, largest=Decimal(1))
    assert machine_month(machine(disk=100), small) == 10


@pytest.mark.parametrize("lacking", [{"cores": 2}, {"memory_gb": 4}, {"disk_gb_month": None}])
def test_a_machine_that_does_not_suffice_has_no_price(lacking: dict[str, object]) -> None:
    assert machine_month(machine(**lacking), NEED) is None


def test_storage_pays_its_minimum_and_what_was_removed_too_early() -> None:
    assert storage_month(storage(), NEED) == Decimal("1.6")
    assert storage_month(storage(minimum_gb=Decimal(1000)), NEED) == 8
    # 2 GB a day, each paid for 90 days: 180 GB more, at most.
    assert storage_month(storage(minimum_days=90), NEED) == Decimal("3.04")


def test_what_leaves_beyond_what_is_free_is_paid_or_not_known() -> None:
    assert egress(storage(), NEED) == 6
    assert egress(storage(egress_free=None), NEED) == 0
    assert egress(storage(egress_free=Decimal("0.1")), NEED) == 4
    assert egress(storage(egress_free=Decimal(1), egress_gb=None), NEED) == 0
    assert egress(storage(egress_gb=None), NEED) is None


def test_the_usual_choice_is_cheap_in_euros_at_two_providers_with_known_egress() -> None:
    offers = prices(
        [machine("20"), machine("9", name="petite", cores=1), machine("5", currency=USD)],
        [
            storage("A", "3"), storage("A", "4"), storage("B", "2", egress_gb=None),
            storage("C", "5"), storage("D", "1", currency=USD),
        ],
    )  # fmt: skip
    chosen = cheapest(offers, NEED)
    assert chosen is not None
    assert chosen.machine.month == 20
    assert (chosen.storage.provider, chosen.copy.provider) == ("A", "C")
    assert cheapest(prices([machine()], [storage("A"), storage("A")]), NEED) is None
    assert cheapest(prices([machine(cores=1)], [storage("A"), storage("B")]), NEED) is None


def test_each_promise_a_drill_and_a_recovery_are_the_sum_of_their_lines() -> None:
    choice = Choice(machine(month="73", disk=200), storage(), storage("B", "10", currency=USD))
    found = {each.title: each for each in estimates(choice, NEED, prices([], []), drill_hours=3)}
    assert {title: each.totals() for title, each in found.items()} == {
        "Palier 48 h, par mois": {
            EUR: (Decimal("51.6"), Decimal("101.6")),
            USD: (Decimal(2), Decimal(2)),
        },
        # Two servers, so two machines that stand by.
        "Palier 1 h, par mois": {
            EUR: (Decimal("397.6"), Decimal("547.6")),
            USD: (Decimal(2), Decimal(2)),
        },
        "Palier 1 h, mise en place": {EUR: (Decimal(1000), Decimal(1000))},
        "Un exercice": {EUR: (Decimal("106.3"), Decimal("206.3"))},
        "Une reprise": {EUR: (Decimal(279), Decimal(579))},
    }
    with pytest.raises(ValueError, match="Ici M is too small"):
        estimates(replace(choice, machine=machine(cores=1)), NEED, prices([], []))


def test_a_price_that_nobody_knows_is_never_a_zero() -> None:
    choice = Choice(machine(), storage(egress_gb=None), storage("B"))
    offers = prices([], [])
    found = estimates(choice, NEED, offers)
    document = cost_document(choice, NEED, offers, found, [], READ)
    recovery = document["estimates"][-1]  # type: ignore[index]
    assert [line["amount"] is None for line in recovery["lines"]] == [False, True, False]
    assert total_text(recovery).startswith("au moins ")


def test_a_tiny_amount_is_not_called_nothing() -> None:
    tiny = replace(NEED, stored=Decimal("0.01"), written=Decimal(0))
    choice = Choice(machine(), storage(), storage("B"))
    offers = prices([], [])
    found = estimates(choice, tiny, offers)
    page = cost_markdown(cost_document(choice, tiny, offers, found, [], READ))
    assert "| dépôt | moins de 0,01 € | Là S |" in page


def test_our_figures_stand_beside_the_studys() -> None:
    read, study = read_prices()
    choice = cheapest(read, NEED)
    assert choice is not None
    document = cost_document(choice, NEED, read, estimates(choice, NEED, read), study, READ)
    ours = {str(e["title"]): e["ours"] for e in document["study"]}  # type: ignore[attr-defined]
    assert ours["Wasabi, 1 To par mois"]["totals"] == {"USD": ["7.99", "7.99"]}
    assert ours["dont maintenance"] is None
    wanted = {each["beside"] or each["offer"] for each in study} - {""}
    assert len(wanted) == sum(each is not None for each in ours.values()) == 7
    said = cost_markdown(document)
    assert "| Palier 1 h, par mois | 60 à 150 € | " in said
    assert "incohérent" in said
    assert "Aucun prix n'est lu en direct" in said
    page = cost_html(document)
    assert "incohérent" in page
    assert 'class="no"' in page, "old prices stand out"


def test_an_old_price_is_called_old() -> None:
    offers, price = prices([], []), storage()
    assert not is_old(price, offers, READ + timedelta(days=90))
    assert is_old(price, offers, READ + timedelta(days=91))
    said = {"source": "liste", "read_on": "2026-08-01", "old": True}
    assert source_text(said) == "liste, lu le 01/08/2026 (ANCIEN)"
    assert source_text(said | {"old": False}) == "liste, lu le 01/08/2026"


def test_amounts_are_written_as_in_france() -> None:
    assert amount_text((Decimal("8.99"), Decimal("8.99")), EUR) == "8,99 €"
    assert amount_text((Decimal(200), Decimal(500)), EUR) == "200 à 500 €"
    assert amount_text((Decimal("1234.5"), Decimal("1234.5")), USD) == "1\u202f234,50 $"
    assert amount_text((Decimal(0), Decimal(0)), EUR) == "0 €"
    assert amount_text((Decimal("0.004"), Decimal("0.004")), EUR) == "moins de 0,01 €"


def test_the_file_of_prices_is_whole_and_has_the_studys_table_with_its_mistake() -> None:
    read, study = read_prices()
    assert cheapest(read, NEED) is not None
    assert {"OVH", "Wasabi", "Backblaze", "Scaleway", "AWS"} <= {e.provider for e in read.storages}
    standby = next(each for each in study if each["title"] == "Palier 1 h, par mois")
    assert (standby["low"], standby["high"]) == (60, 150)
    assert "260 à 450" in standby["note"]
    assert named(read.storages, "b2") == named(read.storages, "Backblaze B2") is not None
    assert named(read.storages, "ovh") is None, "OVH has several"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("month: 8.99,", "month: cheap,", r"machines\.0\.month"),
        ("current_days: 90", "", "cannot be used"),
        ("machines:\n", "machines: [\n", "cannot be used"),
    ],
)
def test_a_wrong_file_of_prices_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    wrong = tmp_path / "prices.yaml"
    wrong.write_text(FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        read_prices(wrong)


def test_the_command_needs_neither_estate_nor_server_when_the_size_is_told() -> None:
    ran = CliRunner().invoke(
        commands, ["cost", "--data", "40", "--servers", "3", "--machine", "cx33", "--storage",
                   "wasabi", "--copy", "b2", "--json"],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    assert document["need"]["stored_gb"] == "240.0"
    titles = [each["title"] for each in document["estimates"]]
    assert titles[0] == "Palier 48 h, par mois"
    # Wasabi: never less than 1 TB, though only 240 GB and 90 days of 2.4 GB would be stored.
    assert document["estimates"][0]["lines"][0]["amount"] == ["7.99", "7.99"]
    shown = CliRunner().invoke(commands, ["cost", "--data", "40"])
    assert shown.exit_code == 0, shown.output
    assert "Palier 48 h" in shown.stdout
    assert "étude" in shown.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--machine", "CX99"], "no such offer"),
        (["--storage", "B2", "--copy", "backblaze"], "both repositories"),
        (["--data", "4000", "--machine", "s-4vcpu-8gb"], "too small"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(words: list[str], said: str) -> None:
    ran = CliRunner().invoke(commands, ["cost", "--data", "40", *words])
    assert isinstance(ran.exception, ConfigurationError)
    assert said in str(ran.exception)


def test_a_live_price_takes_the_place_of_the_listed_one() -> None:
    listed = prices([machine(), machine(name="L")], [storage()])
    size = MachineSize("M", 4, 8 * GIB, 160 * GB, Decimal("0.02"), EUR)
    block = replace(size, name="B", disk=0, grows=True, disk_price=Decimal("0.0001"))
    free = replace(size, name="F", price=Decimal(0))
    found = with_live(listed, {"Ici": (size, block, free)}, READ + timedelta(days=9))
    assert [each.name for each in found.machines] == ["M", "B", "L"]
    live, grown, kept = found.machines
    assert (live.month, live.disk_gb, live.source) == (Decimal("0.02") * 730, 160, LIVE)
    assert live.read_on == READ + timedelta(days=9)
    assert live.disk_gb_month == listed.machines[0].disk_gb_month, "volumes are not in that answer"
    assert (grown.disk_gb, grown.disk_gb_month) == (0, Decimal("0.0001") * 730)
    assert kept.source == "liste"


def test_the_page_says_who_was_asked_and_who_did_not_answer() -> None:
    listed = prices([machine(source=LIVE)], [storage()])
    choice = Choice(listed.machines[0], listed.storages[0], listed.storages[0])
    found = estimates(choice, NEED, listed, drill_hours=1)
    silent = ["Là-bas n'a pas pu être interrogé (token refused)"]
    page = cost_markdown(cost_document(choice, NEED, listed, found, (), READ, silent))
    assert "lus à l'instant chez Ici. Là-bas n'a pas pu être interrogé (token refused)." in page


@pytest.mark.parametrize(
    ("block", "name"),
    [
        ("hetzner-vps/main", "Hetzner"), ("ec2-vps/x", "AWS"), ("ovh-vps/y", "OVH"),
        ("digitalocean-vps/z", "DigitalOcean"), ("scaleway-vps/z", "Scaleway"),
    ],
)  # fmt: skip
def test_a_block_is_of_a_company_of_the_list(block: str, name: str) -> None:
    assert company(block) == name
    assert name in {each.provider for each in read_prices()[0].machines}
