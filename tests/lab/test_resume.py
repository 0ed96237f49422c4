"""Recoveries that are killed, that meet each other, and that bring only a part back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import dns.message
import dns.query
import pytest

from blocks.records import StepState
from deployments.lab import control, machines, names
from deployments.lab.config import Lab
from deployments.lab.demo_report import recovered_server
from deployments.lab.production import stored_orders
from deployments.lab.visitor_log import acknowledged_orders, lost_orders
from tests.lab import estate as place
from tests.lab.estate import SERVER, ends_of, estate, made_machines, step_is
from tests.lab.story import Story

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

KILLED, RIVAL = "killed-1", "rival-1"


@pytest.fixture(scope="module", autouse=True)
def lost(here: Lab, story: Story) -> dict[str, int]:
    """Web1 is gone, and so is what earlier recoveries made; return the zones' serials then."""
    machines.provider(here).destroy(SERVER)
    place.forget_recoveries()
    return serials(here)


@pytest.fixture
def slack_down(here: Lab) -> Iterator[None]:
    place.slack("down")
    yield
    place.slack("ok")


def recover(incident: str, *words: str) -> tuple[str, ...]:
    return ("recover", SERVER, "--incident", incident, *words)


def show_plan(*words: str) -> None:
    """Let the plan be made; without a terminal and a digest nobody approves it."""
    status, said = place.ended(place.command(*words))
    assert status == 4, said


def serials(here: Lab) -> dict[str, int]:
    found = {}
    for zone in ("omniweb.test", "atelier.test"):
        answer = dns.query.udp(dns.message.make_query(zone, "SOA"), here.names, timeout=5)
        found[zone] = answer.answer[0][0].serial
    return found


def wanted_moment(story: Story) -> datetime:
    """Return the second to go back to: after the busy set, before the last orders."""
    return story.busy.consistent_at + timedelta(seconds=2)


@pytest.fixture(scope="module")
def approved(here: Lab, story: Story) -> tuple[str, ...]:
    """The words of a recovery to a second after the busy set, whose plan was read."""
    since = f"{story.left:%Y-%m-%dT%H:%M:%S}"
    at = wanted_moment(story).isoformat()
    words = recover(KILLED, "--set", story.busy.id, "--down-since", since, "--at", at)
    show_plan(*words)
    return (*words, "--approve", place.digest(KILLED), "--operator", "Camille")


def killed_at(words: tuple[str, ...], name: str, state: StepState) -> None:
    """Run it until the step of this name is in this state, then kill it."""
    known, running = place.length(KILLED), place.command(*words)
    try:
        place.await_record(KILLED, step_is(name, state), running, known)
    finally:
        place.killed(running)


def test_killed_early_it_leaves_one_machine(approved: tuple[str, ...]) -> None:
    killed_at(approved, "machine", StepState.DONE)
    (machine,) = made_machines()
    killed_at(approved, "packages", StepState.STARTED)
    assert [each.id for each in made_machines()] == [machine.id]


def test_a_second_recovery_of_the_server_is_sent_away(approved: tuple[str, ...]) -> None:
    """While the first one restores; that one is killed when the database is back."""
    show_plan(*recover(RIVAL))
    known, first = place.length(KILLED), place.command(*approved)
    try:
        place.await_record(KILLED, step_is("lease", StepState.DONE), first, known)
        rival = place.command(*recover(RIVAL, "--approve", place.digest(RIVAL)))
        status, said = place.ended(rival)
        place.await_record(KILLED, step_is("database", StepState.DONE), first, known)
    finally:
        place.killed(first)
    assert status == 5, said
    assert KILLED in said
    assert "continuity status" in said
    assert len(made_machines()) == 1


def test_killed_between_two_sites_it_ends_well(
    here: Lab, lost: dict[str, int], approved: tuple[str, ...]
) -> None:
    killed_at(approved, "replay", StepState.STARTED)
    killed_at(approved, "dns-boutique", StepState.DONE)
    status, said = place.ended(place.command(*approved))
    assert status == 0, said
    assert place.report(KILLED)["verdict"] == "recovered"
    (machine,) = made_machines()
    made = [record for record in ends_of(KILLED, "machine") if " créée " in record.did]
    assert [record.data["machine"] for record in made] == [machine.id], "made once"
    found = place.addresses()
    assert found["boutique.atelier.test"] == found["journal.omniweb.test"] == (machine.address,)
    after = serials(here)
    print(f"\nzone serials {lost} -> {after}; approved {len(ends_of(KILLED, 'approve'))} times")
    assert after["atelier.test"] - lost["atelier.test"] == 1, "two names in one update, once"
    assert after["omniweb.test"] - lost["omniweb.test"] == 2, "two sites, one update each"


def test_the_data_loss_it_reports_is_what_is_missing(story: Story) -> None:
    """Customers ordered all the time: before, during and after the second that was gone back to.

    An order was stored after it was asked for and before it was answered, however slow the shop
    was then; a binary log knows whole seconds.
    """
    report, second = place.report(KILLED), timedelta(seconds=1)
    as_of, wanted = datetime.fromisoformat(str(report["data_as_of"])), wanted_moment(story)
    stored = stored_orders(recovered_server(estate(), KILLED))
    before = [visit for visit in story.visits if visit.at <= story.left]
    gone = lost_orders(before, stored)
    kept = [visit for visit in acknowledged_orders(before) if visit.reference in stored]
    print(f"\n{len(kept)} orders kept, {len(gone)} lost; {as_of} of {wanted}")
    assert len(kept) >= 20
    assert len(gone) >= 10
    assert story.busy.consistent_at <= as_of <= wanted
    assert [visit for visit in gone if visit.at < as_of] == [], "it reports less than was lost"
    assert [visit for visit in gone if visit.at < wanted - second] == [], "short of what was wanted"
    assert [visit for visit in kept if visit.started > wanted + second] == [], "beyond it"
    seconds = (story.left - as_of).total_seconds()
    assert abs(float(str(report["rpo_seconds"])) - seconds) <= 1


@pytest.mark.usefixtures("slack_down")
def test_a_site_that_fails_keeps_its_dns_and_the_others_go_on(here: Lab, story: Story) -> None:
    """Another set on the incident's machine, from the estate file alone, while Slack is down."""
    names.reset(here)
    broken = here.state / "broken.yaml"
    text = control.estate_path(here).read_text()
    right = '{url: "https://vitrine.omniweb.test/"}'
    assert right in text
    broken.write_text(text.replace(right, right.replace("}", ", contains: absent-de-la-page}")))
    words = recover(KILLED, "--set", story.quiet.id, "--local", "--estate", str(broken))
    show_plan(*words)
    known = place.length(KILLED)
    status, said = place.ended(place.command(*words, "--approve", place.digest(KILLED)))
    assert status == 3, said
    assert "absent-de-la-page" in said
    report = place.report(KILLED)
    assert report["verdict"] == "partly recovered"
    assert report["recovery_set"] == story.quiet.id
    (machine,) = made_machines()
    found = place.addresses()
    assert found["vitrine.omniweb.test"] == (here.production,)
    assert found["journal.omniweb.test"] == (machine.address,)
    assert found["boutique.atelier.test"] == found["www.atelier.test"] == (machine.address,)
    assert ends_of(KILLED, "smoke-vitrine")[-1].state is StepState.FAILED
    assert [each for each in ends_of(KILLED, "dns-vitrine") if each.sequence > known] == []
