"""Whether and how a set's databases come back, told before the day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blocks.errors import UnsafePlan
from flows.decisions.database_way import NO_REPLAY, Way, restore_way, unknown_collations
from flows.decisions.recovery_again import taken_up
from flows.decisions.recovery_decision import decide_recovery
from flows.decisions.recovery_plan import ArchiveView, Purpose, TargetChoice
from flows.decisions.set_choice import SetChoice
from flows.reports.plan_text import plan_markdown
from tests.unit.samples import NOON, observation, recovery_set

FACTS = recovery_set().database_facts
assert FACTS is not None
NEW = replace(FACTS, version="11.8.3-MariaDB-0+deb13u1", series="11.8")
MYSQL = replace(FACTS, version="8.0.46", series="8.0")
UCA, MYSQLS = "utf8mb4_uca1400_ai_ci", "utf8mb4_0900_ai_ci"


@pytest.mark.parametrize(
    ("then", "series", "way"),
    [
        (FACTS, "10.11", Way.PHYSICAL),
        (FACTS, "11.8", Way.LOGICAL),
        (FACTS, "", Way.ON_MACHINE),
        (None, "11.8", Way.NONE),
        (NEW, "10.11", Way.LOGICAL),
        (replace(NEW, collations=(UCA,)), "10.11", Way.LOGICAL),
        (replace(NEW, collations=("utf8mb4_bin", UCA)), "10.5", Way.IMPOSSIBLE),
        (MYSQL, "11.8", Way.LOGICAL),
        (replace(MYSQL, series="11.8"), "11.8", Way.LOGICAL),
        (replace(MYSQL, collations=(MYSQLS,)), "10.11", Way.IMPOSSIBLE),
        (replace(MYSQL, collations=(MYSQLS,)), "11.8", Way.LOGICAL),
    ],
)
def test_the_way_back(then, series: str, way: Way):
    assert restore_way(then, series).way is way


def test_collations_that_came_late():
    assert unknown_collations(("latin1_swedish_ci", UCA, MYSQLS), "10.5") == (UCA, MYSQLS)
    assert unknown_collations((UCA, MYSQLS), "10.11") == (MYSQLS,)
    assert unknown_collations((UCA, MYSQLS), "11.8") == ()


def plan(*releases: str, then=FACTS):
    targets = tuple(TargetChoice(f"vps/{each or 'x'}", "", "", each) for each in releases)
    chosen = replace(recovery_set(), database_facts=then)
    seen = observation(targets=targets, choice=SetChoice(chosen, ()))
    return decide_recovery(seen, "inc-1", Purpose.RECOVERY)


def test_the_plan_says_before_anything_changes_how_each_target_does_it():
    page = plan_markdown(plan("12", "13"), NOON)
    assert (
        "`vps/12` la moins chère qui suffit (5,4 Go de disque au moins), Debian 12 puis `vps/13`"
        in page
    )
    assert "vps/12 : copie physique (MariaDB 10.11)" in page
    assert "vps/13 : export SQL (MariaDB 10.11 → MariaDB 11.8)" in page
    assert "vps/13, Debian 12 → 13" in page
    assert page.index("Debian 12 → 13") < page.index("Rang")


def test_logs_that_cannot_be_replayed_there_are_told_before_approval():
    archive = ArchiveView("", None, NOON)
    for release, told in (("12", False), ("13", True)):
        targets = (TargetChoice("vps/x", "", "", release),)
        seen = observation(targets=targets, archive=archive)
        made = decide_recovery(seen, "inc-1", Purpose.RECOVERY)
        assert any(NO_REPLAY in each for each in made.warnings) is told


def to_point(*releases: str, purpose: Purpose = Purpose.RECOVERY, point: str = "0-1-9"):
    targets = tuple(TargetChoice(f"vps/{each or 'x'}", "", "", each) for each in releases)
    return observation(targets=targets, archive=ArchiveView(point, None, NOON)), purpose


def test_a_point_is_planned_only_where_logs_can_be_replayed():
    seen, purpose = to_point("13", "12", "")
    made = decide_recovery(seen, "inc-1", purpose)
    assert [each.provider for each in made.targets] == ["vps/12", "vps/x"]
    assert [each.way for each in made.readiness] == [Way.PHYSICAL, Way.ON_MACHINE]
    (told,) = [each for each in made.warnings if "vps/13" in each]
    assert "écarté" in told
    assert "MariaDB 10.11 → MariaDB 11.8" in told
    assert "`vps/13`" not in plan_markdown(made, NOON)
    whole = decide_recovery(to_point("13", "12", "", point="")[0], "inc-1", purpose)
    assert [each.provider for each in whole.targets] == ["vps/13", "vps/12", "vps/x"]
    assert taken_up(made, seen) == made, "taken up, the plan still says why"


@pytest.mark.parametrize("purpose", [Purpose.RECOVERY, Purpose.DRILL])
def test_a_point_that_no_target_can_reach_is_refused_with_what_to_type(purpose: Purpose):
    seen, _ = to_point("13")
    with pytest.raises(UnsafePlan, match=r"0-1-9: cannot be reached.*vps/13") as caught:
        decide_recovery(seen, "inc-1", purpose)
    command = {Purpose.RECOVERY: "recover", Purpose.DRILL: "drill"}[purpose]
    assert f"without --at: continuity {command} web1" in caught.value.hint
    assert f'continuity {command} web1 --at "0-1-9" --target' in caught.value.hint


def test_a_target_that_only_the_machine_can_tell_of_is_said_to_be_so():
    made = plan("")
    assert "décidé sur la machine" in plan_markdown(made, NOON)
    assert not any("Debian" in each for each in made.warnings)


def test_a_plan_without_any_way_back_is_refused_and_one_with_another_target_is_not():
    then = replace(NEW, collations=(UCA,))
    with pytest.raises(UnsafePlan, match=UCA) as caught:
        plan("11", then=then)
    assert "estate" in caught.value.hint
    made = plan("11", "13", then=then)
    assert any("impossible" in each and UCA in each for each in made.warnings)


def test_the_digest_covers_the_release_of_the_target():
    assert plan("12").digest != plan("13").digest
