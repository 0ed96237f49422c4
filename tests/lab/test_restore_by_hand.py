"""The recovery document: its commands alone bring a site back on a bare Debian machine."""

import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from deployments.lab import machines, production
from deployments.lab.config import ROOT
from deployments.lab.pit_restore import wait_until_archived
from deployments.lab.production_database import accounts, programs, tables
from deployments.lab.production_fingerprint import VOLATILE, WITHOUT_TABLES, compare, files
from tests.lab.estate import COMMAND, estate
from tests.lab.story import IMAGES, upload
from tests.pra_leftovers import leftovers

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

MACHINE, ADDRESS = "byhand", 40
SITE, DATABASE, ROOT_FOLDER = "boutique", "boutique", "/srv/boutique"
LONG = timedelta(minutes=8)
SHORT = timedelta(seconds=60)


@pytest.fixture(scope="module")
def document(here, story):
    """The chapter of the recovery document, as it is made of this lab now."""
    folder = ROOT / "var" / "pra"
    folder.mkdir(parents=True, exist_ok=True)
    markdown, html = folder / "document.md", folder / "document.html"
    words = [*COMMAND, "pra", "--markdown", str(markdown), "--html", str(html)]
    subprocess.run(words, timeout=60, check=True)
    text = markdown.read_text(encoding="utf-8")
    assert leftovers(text) == []
    return text.split("## 9. Reprise à la main", 1)[1].split("\n## ", 1)[0]


def commands(document, *headings):
    """Return the bash blocks below these headings, in this order."""
    parts = re.split(r"^#{3,4} ", document, flags=re.MULTILINE)[1:]
    found = [part for heading in headings for part in parts if re.match(heading, part)]
    assert len(found) >= len(headings), headings
    return "\n".join(
        block
        for part in found
        for block in re.findall(r"^```bash\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    )


def filled(block, values):
    """Write secrets into a block the way the document tells: between the apostrophes."""
    for name, value in values.items():
        block, count = re.subn(
            rf"^((?:export )?{name}=)'[^']*'", rf"\1'{value}'", block, flags=re.M
        )
        assert count == 1, name
    left = re.findall(r"='(secret|mot-de-passe)'", block)
    assert not left
    return block


def session(document, lab, repository="principal"):
    """Return the blocks of step 1 for the shop, with what the sealed kit holds."""
    key = {"principal": "s3-worker-secret-key", "copie": "second-worker-secret-key"}
    password = {"principal": "restic-password", "copie": "second-restic-password"}
    return filled(
        commands(document, "Serveur web1", f"Dépôt {repository}", f"Site {SITE}", "Pour finir"),
        {
            "AWS_SECRET_ACCESS_KEY": lab.secret(key[repository]),
            "RESTIC_PASSWORD": lab.secret(password[repository]),
        },
    )


def follow(document, lab, server, *steps):
    """Run steps in one session, which ends at the first command that fails."""
    return typed(server, session(document, lab) + "\n" + commands(document, *steps))


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
def restored(here, document, machine):
    """The machine after steps 2 to 7, and what its terminal showed."""
    return machine, follow(document, here, machine, "Étape [2-7][.]")


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


def test_physical_copy_brings_every_database_back(here, document, story, restored):
    server, _ = restored
    follow(document, here, server, "Étape 8[.]")
    assert (
        compare(
            {"tables": story.fingerprint["tables"], "programs": story.fingerprint["programs"]},
            {"tables": tables(server, without=WITHOUT_TABLES), "programs": programs(server)},
        )
        == []
    )


def test_the_archives_copy_brings_databases_and_files_to_its_last_moment(here, document, restored):
    server, _ = restored
    web1 = production.connect(here)
    upload(here, "apres-coup.bin")
    written = "CREATE OR REPLACE TABLE boutique.apres_coup (at datetime(6)) SELECT NOW(6) AS at"
    web1.run(("mariadb",), stdin=written.encode(), timeout=SHORT)
    try:
        wait_until_archived(estate(), datetime.now(UTC))
        secrets = {
            "RCLONE_CONFIG_ARCHIVE_SECRET_ACCESS_KEY": here.secret("second-worker-secret-key"),
            "IDENTITE": here.secret("second-archive-identity"),
        }
        archive = filled(commands(document, "Archive copie"), secrets)
        replay = commands(document, "Lire l'archive")
        shown = typed(server, "\n".join((session(document, here, "copie"), archive, replay)))
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
