"""Docs/restore-by-hand.md: its commands alone bring a site back on a bare Debian machine."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from deployments.lab import machines, production, second_storage
from deployments.lab.config import ROOT
from deployments.lab.pit_restore import wait_until_archived
from deployments.lab.production_database import accounts, programs, tables
from deployments.lab.production_fingerprint import VOLATILE, WITHOUT_TABLES, compare, files
from deployments.lab.storage import PORT
from deployments.lab.storage_rules import BUCKET
from tests.lab.estate import estate
from tests.lab.story import IMAGES, upload

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

DOCUMENT = ROOT / "docs" / "restore-by-hand.md"
MACHINE, ADDRESS = "byhand", 40
SITE, DATABASE, ROOT_FOLDER = "boutique", "boutique", "/srv/boutique"
LONG = timedelta(minutes=8)
SHORT = timedelta(seconds=60)


def commands(heading):
    """Return the bash blocks below the headings that match."""
    parts = re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = [part for part in parts if re.match(heading, part)]
    assert found, heading
    return "\n".join(
        block
        for part in found
        for block in re.findall(r"^```bash\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    )


def filled(block, values):
    """Write the values into the first block the way the document tells: between the apostrophes."""
    for name, value in values.items():
        block, count = re.subn(
            rf"^((?:export )?{name}=)'[^']*'", rf"\1'{value}'", block, flags=re.M
        )
        assert count == 1, name
    assert "exemple" not in re.sub("#.*", "", block)
    return block


def variables(lab):
    """Return what the person with the sealed envelope knows."""
    return {
        "STOCKAGE": f"http://{lab.storage}:{PORT}",
        "REGION": "default",
        "COMPARTIMENT": BUCKET,
        "SERVEUR": "web1",
        "SITE": SITE,
        "BASE": DATABASE,
        "DOMAINE": "boutique.atelier.test",
        "AWS_ACCESS_KEY_ID": lab.secret("s3-server-access-key"),
        "AWS_SECRET_ACCESS_KEY": lab.secret("s3-server-secret-key"),
        "RESTIC_PASSWORD": lab.secret("restic-password"),
    }


def variables_of_copy(lab):
    """Return the same of the other storage, where the first one is lost."""
    return variables(lab) | {
        "STOCKAGE": second_storage.endpoint(lab),
        "REGION": "us-east-1",
        "COMPARTIMENT": second_storage.BUCKET,
        "AWS_ACCESS_KEY_ID": lab.secret("second-server-access-key"),
        "AWS_SECRET_ACCESS_KEY": lab.secret("second-server-secret-key"),
        "RESTIC_PASSWORD": lab.secret("second-restic-password"),
    }


def follow(lab, server, heading):
    """Run the blocks in one session, which ends at the first command that fails."""
    return typed(server, filled(commands("1[.]"), variables(lab)) + commands(heading))


def typed(server, script):
    server.put("/root/session.sh", script.encode())
    return server.run(("bash", "-e", "/root/session.sh"), timeout=LONG).stdout.decode()


def of_site(section):
    """Keep what belongs to the site's database."""
    prefixes = (f"{DATABASE}.", f"`{DATABASE}`.")
    return {k: v for k, v in section.items() if k.split(" ")[-1].startswith(prefixes)}


def accounts_of_site(section):
    return {name: facts for name, facts in section.items() if SITE in name}


@pytest.fixture(scope="module")
def machine(here):
    """A machine as a provider hands it out: nothing of ours on it."""
    made = machines.start(here, MACHINE, "base", here.address(ADDRESS))
    server = estate().server.at(made.address, made.host_key)
    try:
        server.wait_ready(timeout=SHORT)
        yield server
    finally:
        machines.destroy(here, MACHINE)


@pytest.fixture(scope="module")
def restored(here, story, machine):
    """The machine after chapters 2 to 7, and what its terminal showed."""
    return machine, follow(here, machine, "[2-7][.]")


def test_site_comes_back_with_stock_tools(story, restored):
    server, shown = restored
    assert "boutique" in shown
    before, now = (
        story.fingerprint,
        {
            "tables": of_site(tables(server, without=WITHOUT_TABLES)),
            "programs": of_site(programs(server)),
            "database accounts": accounts_of_site(accounts(server)),
            "files": files(server, (ROOT_FOLDER,), without=VOLATILE),
        },
    )
    was = {
        "tables": of_site(before["tables"]),
        "programs": of_site(before["programs"]),
        "database accounts": accounts_of_site(before["database accounts"]),
        "files": {k: v for k, v in before["files"].items() if k.split("/")[2:3] == [SITE]},
    }
    assert all(was.values()), {name: len(section) for name, section in was.items()}
    assert compare(was, now) == []


def test_its_page_answers(restored):
    page = restored[0].get("/root/reprise/page.html").decode()
    assert "atelier" in page.lower()


def test_tools_are_those_of_debian(restored):
    server, _ = restored
    said = server.run(("dpkg", "-S", "/usr/bin/restic"), timeout=SHORT).stdout.decode()
    assert said.startswith("restic:")
    assert server.run(("test", "!", "-e", "/usr/local/lib/continuity"), timeout=SHORT).status == 0


def test_physical_copy_brings_every_database_back(here, story, restored):
    server, _ = restored
    follow(here, server, "8[.]")
    assert (
        compare(
            {"tables": story.fingerprint["tables"], "programs": story.fingerprint["programs"]},
            {"tables": tables(server, without=WITHOUT_TABLES), "programs": programs(server)},
        )
        == []
    )


def test_the_archives_copy_brings_databases_and_files_to_its_last_moment(here, restored):
    server, _ = restored
    web1 = production.connect(here)
    upload(here, "apres-coup.bin")
    written = "CREATE OR REPLACE TABLE boutique.apres_coup (at datetime(6)) SELECT NOW(6) AS at"
    web1.run(("mariadb",), stdin=written.encode(), timeout=SHORT)
    try:
        wait_until_archived(estate(), datetime.now(UTC))
        archive = {
            "ARCHIVE": f"{second_storage.BUCKET}/archive",
            "IDENTITE": here.secret("second-archive-identity"),
        }
        shown = typed(
            server,
            filled(commands("1[.]"), variables_of_copy(here)) + filled(commands("9[.]"), archive),
        )
        print(f"\n{shown}")
        was = {"tables": tables(web1, without=WITHOUT_TABLES), "programs": programs(web1)}
        now = {"tables": tables(server, without=WITHOUT_TABLES), "programs": programs(server)}
        assert any("apres_coup" in name for name in was["tables"])
        assert compare(was, now) == []
        path = f"{IMAGES}/apres-coup.bin"
        assert server.get(path) == web1.get(path)
    finally:
        web1.run(("mariadb",), stdin=b"DROP TABLE boutique.apres_coup", timeout=SHORT)
        web1.run(("rm", f"{IMAGES}/apres-coup.bin"), timeout=SHORT)
