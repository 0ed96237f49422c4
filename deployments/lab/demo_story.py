"""A whole incident, for real: alert, recovery, clients, report, and the way home.

Each command is the operator's own; each document that comes of it is kept in `var/story`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.deployments import run_deployment

from blocks.errors import VerificationFailed
from blocks.repositories.journal import Journal
from deployments.lab import alerts, control, lab, machines
from deployments.lab.config import ROOT, Lab
from deployments.lab.demo_follow import follow
from deployments.lab.demo_papers import Papers
from deployments.lab.demo_report import recovered_server
from deployments.lab.production import stored_orders
from deployments.lab.visitor_log import acknowledged_orders, lost_orders, read_log
from flows.reports.any_plan import read_plan
from flows.tasks.approval import PLAN
from flows.tasks.ending import REPORT
from flows.tasks.incident import open_estate
from flows.tasks.opening import incident_of_run

SERVER, HOST, HOME = "web1", "boutique.atelier.test", "nspawn-vps/lab"
FOLDER = ROOT / "var" / "story"
OPERATOR = "Camille"
COMMAND_SECONDS = 600
DETECTION_SECONDS = 240
RECOVERY_SECONDS = 600
QUIET_SECONDS = 5
"""How long customers shop around each event, so that there is something to keep and to lose."""
_DIGEST = re.compile(r"Empreinte[^`\n]*`([0-9a-f]{12})`")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """What the story came to.

    Attributes:
        detected: From the destruction to the plan that waits for a person.
        move: Report of the way home.
        orders: Confirmed while the server moved home, around it, and of these lost.
    """

    recovery: dict[str, object]
    move: dict[str, object]
    detected: timedelta
    mails: int
    orders: int
    orders_lost: int
    papers: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether everything came back, went home and left nothing behind."""
        verdicts = {str(each["verdict"]) for each in (self.recovery, self.move)}
        return verdicts == {"recovered"} and not self.orders_lost and self.mails > 0


def run(here: Lab, say: Say) -> Told:
    """Tell the story in a lab of its own; it is left up."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lab.down(here)
    lab.up(here, say)
    os.environ.update(control.environment(here))
    with control.prefect(here):
        return _tell(here, say, Papers(FOLDER, here))


def _tell(here: Lab, say: Say, papers: Papers) -> Told:
    _continuity("backup", SERVER)
    say("web1 is backed up; the papers of an ordinary day are written")
    papers.write("readiness", "--html", "readiness.html", accept=(0, 3))
    papers.write("cost", "--html", "cost.html")
    papers.write("pra", "--html", "pra.html", "--pdf", "pra.pdf")
    incident, recovery, detected = _lose_and_recover(here, say)
    mails = _tell_clients(here, say, papers, incident)
    papers.write("report", SERVER, incident, "--out", "report")
    say("the post-incident report is written: Markdown, HTML, PDF")
    _adopt(say)
    move, orders, gone = _go_home(here, say)
    _continuity("clients", "close", incident, "--operator", OPERATOR)
    _send(incident)
    _adopt(say)
    _approved_run("retire/on-demand", {"server": SERVER})
    say("the temporary machine is destroyed, after its plan was approved")
    papers.write("pra", "--html", "pra-after.html")
    papers.mails()
    papers.status_page()
    papers.pictures()
    return Told(recovery, move, detected, mails, orders, gone, papers.written())


def _lose_and_recover(here: Lab, say: Say) -> tuple[str, dict[str, object], timedelta]:
    time.sleep(QUIET_SECONDS)
    lost_at = datetime.now(UTC)
    machines.destroy(here, SERVER)
    say("web1 is destroyed: its disk is gone")
    verdict = alerts.send(here, HOST, down=True)
    say(f"UptimeRobot calls: {HOST} is down; the receiver says {verdict!r} and looks for itself")
    run = _awaited_recovery(lost_at)
    detected = datetime.now(UTC) - lost_at
    say(f"two places agree that web1 is gone: its recovery waits after {detected.seconds} s")
    report = follow(run, SERVER, say, timedelta(seconds=RECOVERY_SECONDS), _approve)
    return str(report["incident"]), report, detected


def _awaited_recovery(since: datetime) -> UUID:
    """Wait for the recovery that the alert has prepared; return its flow run."""
    deadline = time.monotonic() + DETECTION_SECONDS
    wanted = FlowFilter(name=FlowFilterName(any_=["disaster-recovery"]))
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            for each in client.read_flow_runs(flow_filter=wanted):
                state = each.state
                if each.created and each.created > since and state and state.name == "Suspended":
                    return each.id
            time.sleep(0.5)
    raise VerificationFailed(
        f"alert about {HOST}", f"led to no recovery in {DETECTION_SECONDS} s", "script/lab status"
    )


def _tell_clients(here: Lab, say: Say, papers: Papers, incident: str) -> int:
    papers.keep("messages.txt", _send(incident))
    mails = len(papers.mail_files())
    say(f"clients are told that their sites are back: {mails} mails so far, status page updated")
    return mails


def _adopt(say: Say) -> None:
    """Do what the report lists as still to be done."""
    _continuity("estate", "adopt", SERVER)
    _continuity("estate", "apply")
    _continuity("backup", SERVER)
    say("the estate names the new machine, which has a set of its own")


def _go_home(here: Lab, say: Say) -> tuple[dict[str, object], int, int]:
    """Move home while customers order; return the report, the orders confirmed, those lost."""
    log = FOLDER / "visitors.jsonl"
    log.unlink(missing_ok=True)
    visitors = subprocess.Popen(
        [sys.executable, "-m", "deployments.lab.visitors", "--log", str(log), "--seconds", "900"]
    )
    try:
        time.sleep(QUIET_SECONDS)
        say("customers order; web1 moves home: failback/on-demand")
        incident = _approved_run("failback/on-demand", {"server": SERVER, "target": HOME})
        report = dict(Journal(open_estate(SERVER).state, incident).document(REPORT) or {})
        time.sleep(QUIET_SECONDS)
    finally:
        visitors.terminate()
        visitors.wait(timeout=20)
    visits = read_log(log.read_text(encoding="utf-8"))
    stored = stored_orders(recovered_server(open_estate(SERVER), str(report["incident"])))
    orders, gone = len(acknowledged_orders(visits)), len(lost_orders(visits, stored))
    say(f"home: writes stopped for {report['rto_seconds']} s, {gone} of {orders} orders lost")
    return report, orders, gone


def _send(incident: str) -> str:
    """Read the messages, then send them quoting their digest; return what was shown."""
    shown = _continuity("clients", "show", incident)
    found = _DIGEST.search(shown)
    if found is None:
        raise VerificationFailed(f"messages of {incident}", "show no digest", "run it by hand")
    _continuity("clients", "send", incident, "--approve", found[1], "--operator", OPERATOR)
    return shown


def _approve(incident: str, digest: str) -> None:
    _continuity("approve", incident, "--digest", digest, "--operator", OPERATOR)


def _approved_run(deployment: str, parameters: dict[str, object]) -> str:
    """Start a deployment, approve the plan that it shows, wait for its end; return its incident."""
    run = run_deployment(deployment, parameters=parameters, timeout=0, as_subflow=False)
    incident = incident_of_run({"server": SERVER}, run.id)  # type: ignore[union-attr]
    deadline = time.monotonic() + RECOVERY_SECONDS
    approved = False
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            state = client.read_flow_run(run.id).state  # type: ignore[union-attr]
            if state and state.name == "Suspended" and not approved:
                plan = Journal(open_estate(SERVER).state, incident).document(PLAN) or {}
                _approve(incident, read_plan(plan).digest)
                approved = True
            if state and state.is_completed():
                return incident
            if state and state.is_final():
                raise VerificationFailed(deployment, f"{state.name}: {state.message}", "again")
            time.sleep(0.5)
    raise VerificationFailed(deployment, f"not done in {RECOVERY_SECONDS} s", "script/lab status")


def _continuity(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deployments.cli.main", *words],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise VerificationFailed(
            f"continuity {' '.join(words)}",
            f"ended with {done.returncode}: {' / '.join(said)}",
            "run it by hand: script/lab shell",
        )
    return f"{done.stdout}\n{done.stderr}"
