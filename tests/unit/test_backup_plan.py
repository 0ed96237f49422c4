from __future__ import annotations

from blocks.types import Frequency, Part
from flows.decisions.backup_plan import SiteContent, plan_backup
from tests.unit.samples import NOON, recovery_set

SHOP = SiteContent("boutique", ("/srv/boutique",), (), ("boutique",), Frequency.DAILY)
BROCHURE = SiteContent("vitrine", ("/srv/vitrine",), (), (), Frequency.WEEKLY)


def due(frequency, previous):
    made = plan_backup("web1", [SHOP, BROCHURE], frequency, previous, NOON, stored={"boutique"})
    return made, [site.name for site in made.due]


def test_a_weekly_run_takes_everything():
    assert due(Frequency.WEEKLY, recovery_set())[1] == ["boutique", "vitrine"]


def test_a_daily_run_carries_a_weekly_site_over():
    made, names = due(Frequency.DAILY, recovery_set())
    assert names == ["boutique"]
    assert [(ref.part, ref.subject) for ref in made.carried] == [(Part.SITE, "vitrine")]
    assert made.carried[0].taken_in == recovery_set().id


def test_a_site_that_was_never_taken_is_due_at_once():
    made, names = due(Frequency.DAILY, recovery_set(sites=("boutique",)))
    assert names == ["boutique", "vitrine"]
    assert made.carried == ()


def test_the_first_run_takes_everything():
    assert due(Frequency.DAILY, None)[1] == ["boutique", "vitrine"]


def test_a_database_that_two_sites_share_is_not_both_dumped_and_carried():
    guest = SiteContent("livre", ("/srv/livre",), (), ("boutique",), Frequency.WEEKLY)
    previous = recovery_set(sites=("boutique", "livre"))
    made = plan_backup("web1", [SHOP, guest], Frequency.DAILY, previous, NOON, stored={"boutique"})
    assert made.databases == ("boutique",)
    assert [(ref.part, ref.subject) for ref in made.carried] == [(Part.SITE, "livre")]


def test_the_set_is_named_by_server_and_utc_time():
    assert due(Frequency.DAILY, None)[0].set_id == "web1-20260310T120000Z"


def test_a_database_of_no_site_is_dumped_whenever_the_server_is():
    stored = {"boutique", "continuity", "facturation"}
    previous = recovery_set(sites=("boutique", "vitrine"))
    made = plan_backup("web1", [SHOP, BROCHURE], Frequency.DAILY, previous, NOON, stored=stored)
    assert made.databases == ("boutique", "continuity", "facturation")
    without = plan_backup("web1", [BROCHURE], Frequency.DAILY, None, NOON, stored=None)
    assert not without.has_database
    assert without.databases == ()
