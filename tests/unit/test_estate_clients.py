"""What the estate file says of clients, and ways to them that a lost server would take along."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from deployments.estate_file import json_schema, read
from deployments.world import provide
from tests.unit.estate_texts import GOOD

CLIENTS = """\
client_mail:
  host: 192.0.2.25
  sender: pra@omniweb.test
  domain: {provider: relay, site: west}
status_page:
  remote: ssh://git@192.0.2.26/status.git
  domain: {provider: forge, site: east}
clients:
  - name: atelier
    title: L'Atelier
    addresses: [anne@atelier.test]
    sites: [shop, blog]
    templates: texts
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("secret", "tsig", "key"):
        (tmp_path / name).write_text("aHVzaA==")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("RESTIC", "hush")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "back.txt").write_text("Revenu\nBonjour {{ client }},\n")
    return tmp_path


def mistakes(folder: Path, before: str = "", after: str = "") -> list[str]:
    assert before in CLIENTS
    path = folder / "estate.yaml"
    path.write_text(GOOD + CLIENTS.replace(before, after) if before else GOOD + CLIENTS)
    return [f"{each.text}. {each.hint}" for each in read(path).mistakes]


def test_a_good_one_becomes_blocks(folder: Path) -> None:
    assert [each for each in mistakes(folder) if "repository" not in each] == []
    estate = read(folder / "estate.yaml").estate
    assert estate is not None
    blocks = provide(estate)
    about = blocks["protected-server/web1"].client_news  # type: ignore[attr-defined]
    assert about.clients == ["agency-client/atelier"]
    assert about.mail in blocks
    assert about.status_page in blocks
    client = blocks["agency-client/atelier"]
    assert client.templates == {"back": "Revenu\nBonjour {{ client }},\n"}  # type: ignore[attr-defined]
    assert client.sites == ["client-site/shop", "client-site/blog"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("192.0.2.25", "10.0.0.10", "client_mail: 10.0.0.10 is the protected server 'web1' itself"),
        ("192.0.2.25", "shop.omniweb.test", "is the protected server 'web1' itself"),
        ("192.0.2.26", "10.0.0.10", "status_page: 10.0.0.10 is the protected server"),
        ("{provider: relay, site: west}", "{provider: host, site: south}",
         "client_mail: 192.0.2.25 shares its site or its account with server 'web1'"),
        ("  domain: {provider: forge, site: east}\n", "", "nothing shows that it is not lost with"),
        ("[shop, blog]", "[shop, blogg]", "unknown site 'blogg'. did you mean 'blog'"),
        ("[shop, blog]", "[shop]", "site 'blog': no client is told"),
        ("anne@atelier.test", "anne@atelier.test, Anne@atelier.test", "is named twice"),
        ("anne@atelier.test", "Anne", "is not a mail address"),
        ("templates: texts", "templates: none", "cannot be read"),
        ("title: L'Atelier", "title: L'Atelier\n    language: de", "unknown value 'de'"),
    ],
)  # fmt: skip
def test_mistakes_are_found(folder: Path, before: str, after: str, found: str) -> None:
    assert any(found in each for each in mistakes(folder, before, after)), found


def test_texts_that_could_not_be_filled_in_are_found(folder: Path) -> None:
    (folder / "texts" / "back.txt").write_text("Revenu\nBonjour {{ clients }}\n")
    (folder / "texts" / "bakc.txt").write_text("Revenu\nBonjour\n")
    found = mistakes(folder)
    assert any("back.txt cannot be filled in: 'clients' is undefined" in each for each in found)
    assert any("bakc.txt is the text of no phase. did you mean 'back'" in each for each in found)


def test_a_name_that_leads_to_the_protected_server_is_refused(folder: Path) -> None:
    text = (GOOD + CLIENTS).replace("192.0.2.25", "localhost").replace("10.0.0.10\n", "127.0.0.1\n")
    (folder / "estate.yaml").write_text(text)
    found = [each.text for each in read(folder / "estate.yaml").mistakes]
    assert "client_mail: localhost leads to 127.0.0.1, the protected server 'web1' itself" in found


def test_the_estate_with_clients_follows_its_schema() -> None:
    data = YAML(typ="safe").load(GOOD + CLIENTS)
    Draft202012Validator(json_schema()).validate(data)
