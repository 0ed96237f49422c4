"""Web1: its sites, what the fingerprint sees, and its customers during a power cut."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from ipaddress import IPv4Network
from pathlib import Path

import dns.message
import dns.rrset
import pytest
from dns.query import receive_udp

from blocks.types import RemoteCommand
from deployments.lab import lab as whole_lab
from deployments.lab import machines, production
from deployments.lab.config import ROOT, Lab
from deployments.lab.visitor_log import acknowledged_orders, lost_orders, outages, read_log
from deployments.lab.visitors import ORDERS, PAGES, Page, fetch
from tests.lab.production_differences import ALSO, DIFFERENCES

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SHORT = timedelta(seconds=60)


@pytest.fixture(scope="module")
def lab():
    """A lab of its own with web1 alone."""
    own = Lab("prodtest", IPv4Network("10.89.81.0/24"), ROOT / "var" / "lab" / "prodtest")
    whole_lab.down(own)
    try:
        whole_lab.foundation(own)
        machines.start(own, "web1", "web1", own.production)
        production.configure(own)
        yield own
    finally:
        whole_lab.down(own)


@pytest.fixture(scope="module")
def server(lab):
    return production.connect(lab)


@pytest.fixture(scope="module")
def trusted(lab):
    return ssl.create_default_context(cafile=str(lab.secrets / "ca.pem"))


@pytest.fixture
def resolver(lab, tmp_path):
    """Where the sites' names are looked up: every name leads to web1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(("127.0.0.1", 0))

        def answer():
            while True:
                query, _, asker = receive_udp(asked)
                if not query.question:
                    return
                reply = dns.message.make_response(query)
                name = query.question[0].name
                reply.answer = [dns.rrset.from_text(name, 10, "IN", "A", lab.production)]
                asked.sendto(reply.to_wire(), asker)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{asked.getsockname()[1]}"
        asked.sendto(dns.message.Message().to_wire(), asked.getsockname())
        thread.join()


def sql(server, statement):
    answer = server.run(("mariadb", "-BN"), stdin=statement.encode(), timeout=SHORT)
    return answer.stdout.decode().strip()


def form(reference, product="7"):
    return {"reference": reference, "produit": product, "quantite": "2", "client": "Zoé Müller"}


def test_the_sites_are_as_large_as_promised(server):
    counted = {
        "posts": "journal.wp_posts WHERE post_type='post' AND post_status='publish'",
        "pages": "journal.wp_posts WHERE post_type='page' AND post_status='publish'",
        "media": "journal.wp_posts WHERE post_type='attachment'",
        "comments": "journal.wp_comments WHERE comment_approved='1'",
        "products": "boutique.products",
        "orders": "boutique.orders",
    }
    rows = {
        name: int(sql(server, f"SELECT COUNT(*) FROM {rest}"))  # noqa: S608
        for name, rest in counted.items()
    }
    least = {"posts": 30, "pages": 10, "media": 300, "comments": 50, "products": 500}
    assert {name: rows[name] for name, wanted in least.items() if rows[name] < wanted} == {}
    assert rows["orders"] >= 50_000
    files = production.fingerprint(server)["files"].items()
    uploads = {each["sha256"] for path, each in files if "/uploads/" in path and "sha256" in each}
    assert len(uploads) >= 900, "each photograph and its smaller copies differ from all others"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.site)
def test_a_site_answers_over_https_and_sends_http_there(lab, trusted, page):
    right, observed, text = fetch(page, lab.production, trusted)
    assert right, observed
    assert 'lang="fr' in text
    host = page.url.split("/")[2]
    plain = HTTPConnection(lab.production, timeout=5)
    plain.request("GET", "/a?b=1", headers={"Host": host})
    answer = plain.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{host}/a?b=1")


def test_a_strange_name_gets_no_site(lab, trusted):
    with pytest.raises(ssl.SSLError):
        fetch(replace(PAGES[0], url="https://ailleurs.test/"), lab.production, trusted)


def test_configuring_again_and_reading_pages_change_nothing(lab, server, trusted):
    posts = sql(
        server,
        "SELECT CONCAT('https://journal.omniweb.test', DATE_FORMAT(post_date, '/%Y/%m/'),"
        " post_name, '/') FROM journal.wp_posts"
        " WHERE post_status = 'publish' AND post_type = 'post' LIMIT 8",
    )
    pages = [*PAGES, *(Page("journal", url, "Laisser un commentaire") for url in posts.split())]
    pages.append(Page("boutique", "https://www.atelier.test/categorie/jardin", "Anduze"))
    pages.append(Page("boutique", "https://www.atelier.test/produit/gobelet-celadon", "Gobelet"))
    before = production.fingerprint(server)
    production.configure(lab)
    seen = [fetch(page, lab.production, trusted)[:2] for page in pages]
    assert seen == [(True, "HTTP 200")] * 13
    assert production.compare(before, production.fingerprint(server)) == []


def test_a_confirmed_order_is_stored_once(lab, server, trusted):
    first, again = (
        json.loads(fetch(ORDERS, lab.production, trusted, form("visiteur-essai-1"))[2])
        for _ in range(2)
    )
    assert first == again
    row = sql(
        server,
        "SELECT customer, total = boutique.order_total(id), total > 0,"  # noqa: S608
        f" ABS(TIMESTAMPDIFF(SECOND, created_at, UTC_TIMESTAMP())) < 60"
        f" FROM boutique.orders WHERE id = {first['commande']}",
    )
    assert row == "Zoé Müller\t1\t1\t1"
    assert "visiteur-essai-1" in production.stored_orders(server)
    newest = fetch(PAGES[1], lab.production, trusted)[2]
    assert f"{first['commande']}" in newest


def test_a_wrong_order_is_refused_and_leaves_nothing(lab, server, trusted):
    before = sql(server, "SELECT COUNT(*), MAX(id) FROM boutique.orders")
    for wrong in (form("visiteur-essai-2", product="99999"), form("court"), {}):
        right, observed, _ = fetch(ORDERS, lab.production, trusted, wrong)
        assert not right
        assert observed.startswith("HTTP 422")
    assert sql(server, "SELECT COUNT(*), MAX(id) FROM boutique.orders") == before


def test_without_its_database_the_shop_says_so(lab, server, trusted):
    server.run(("systemctl", "stop", "mariadb"), timeout=SHORT)
    try:
        assert fetch(PAGES[1], lab.production, trusted)[1].startswith("HTTP 503")
        assert fetch(ORDERS, lab.production, trusted, form("visiteur-essai-3"))[1].startswith(
            "HTTP 503"
        )
        assert fetch(PAGES[2], lab.production, trusted)[0], "the static site goes on"
    finally:
        server.run(("systemctl", "start", "mariadb"), timeout=SHORT)


@pytest.mark.parametrize(
    "command",
    [
        "mariadb-dump -ucontinuity --single-transaction --routines --triggers --events --databases"
        " boutique journal",
        "mariadb-dump -ucontinuity --system=users",
        "mariadb-backup --backup --stream=xbstream --user=continuity --target-dir=/tmp",
        "mariadb -h127.0.0.1 -ucontinuity -e 'CREATE DATABASE continuity; DROP DATABASE continuity;"
        " SHOW BINARY LOGS; FLUSH BINARY LOGS'",
    ],
    ids=["dump", "users", "physical", "canary and binlog"],
)
def test_the_tools_account_may_do_what_backups_need(lab, server, command):
    secrets = {"MYSQL_PWD": lab.secret("database-password")}
    words = ("sh", "-c", f"{command} | wc -c")
    result = server.run(
        RemoteCommand(("bash", "-o", "pipefail", *words[1:]), secrets), timeout=SHORT
    )
    assert int(result.stdout) > 60


@pytest.fixture(scope="module")
def differences(server):
    """What the fingerprint says after all of DIFFERENCES were made."""
    before = production.fingerprint(server)
    assert json.loads(json.dumps(before)) == before
    for command, _ in DIFFERENCES.values():
        server.run(("bash", "-c", command), timeout=SHORT)
    return production.compare(before, production.fingerprint(server))


@pytest.mark.parametrize("what", DIFFERENCES)
def test_the_fingerprint_sees(differences, what):
    assert [each for each in differences if DIFFERENCES[what][1] in each]


def test_the_fingerprint_sees_nothing_else(differences):
    expected = [sentence for _, sentence in DIFFERENCES.values()] + ALSO
    unexpected = [each for each in differences if not any(part in each for part in expected)]
    assert unexpected == []


def test_customers_see_a_power_cut_and_lose_no_confirmed_order(lab, server, resolver, tmp_path):
    log = tmp_path / "visitors.jsonl"
    words = ["--log", log, "--rate", "20", "--seconds", "120", "--resolver", resolver]
    words += ["--ca", lab.secrets / "ca.pem"]
    running = subprocess.Popen([sys.executable, "-m", "deployments.lab.visitors", *map(str, words)])
    try:
        wait_for(lambda: len(acknowledged_orders(visits(log))) >= 60)
        place = machines.provider(lab)
        place.power_off("web1")
        wait_for(lambda: sum(not visit.ok for visit in visits(log)) >= 9)
        place.power_on("web1")
        production.wait_for_sites(lab, lab.production)
        back = len(acknowledged_orders(visits(log)))
        wait_for(lambda: len(acknowledged_orders(visits(log))) >= back + 40)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=15) == 0
    finally:
        running.kill()
        running.wait()
    seen = visits(log)
    stored = production.stored_orders(production.connect(lab))
    assert lost_orders(seen, stored) == ()
    down = {outage.site: outage.duration for outage in outages(seen)}
    assert set(down) == {"journal", "boutique", "vitrine"}
    assert all(timedelta(0) < lasted < timedelta(seconds=60) for lasted in down.values()), down
    ours = {visit.reference for visit in seen if visit.reference}
    print("down for", {site: str(lasted) for site, lasted in down.items()}, "orders", len(ours))
    assert {each for each in stored if "essai" not in each} <= ours


def test_visitors_end_by_themselves(tmp_path, lab):
    log = tmp_path / "visitors.jsonl"
    words = ["--log", log, "--rate", "0", "--seconds", "2", "--resolver", "127.0.0.1:9"]
    words += ["--ca", lab.secrets / "ca.pem"]
    done = subprocess.run(
        [sys.executable, "-m", "deployments.lab.visitors", *map(str, words)],
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    seen = visits(log)
    assert {visit.ok for visit in seen} == {False}
    assert {visit.site for visit in seen} == {page.site for page in PAGES}


def visits(log: Path):
    return read_log(log.read_text()) if log.exists() else ()


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.2)
