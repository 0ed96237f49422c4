"""Every mistake in an estate file is found, on its line, with a hint that repairs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.errors import ConfigurationError
from deployments.estate_file import Reading, load, read
from tests.unit.estate_texts import GOOD, line_of, write


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC", "hush-hush")


def reading_of(folder: Path, text: str) -> Reading:
    return read(write(folder, text))


def test_a_good_file_has_no_mistakes(tmp_path: Path) -> None:
    reading = reading_of(tmp_path, GOOD)
    assert reading.mistakes == ()
    assert reading.estate is not None
    assert [site.name for site in reading.estate.sites] == ["shop", "blog"]


MISTAKES = {
    # what is replaced, by what, part of the line it is told on, part of the text, part of the hint
    "unknown key": ("parallel: 3", "paralel: 3", "paralel", "unknown key 'paralel'", "'parallel'"),
    "unknown key of a block": (
        "resolvers: [127", "resolver: [127", "resolver:", "unknown key 'resolver'", "'resolvers'",
    ),
    "unknown key in ssh": (
        "private_key:", "port: 22\n      prvate: {file: key}\n      private_key:",
        "prvate", "unknown key 'prvate'", "'private_key'",
    ),
    "missing key": (
        "    title: Blog\n", "", "- name: blog", "'title' is missing", "Name that people use",
    ),
    "unknown type": (
        "type: slack-notifier", "type: slak-notifier", "slak", "'slak-notifier'", "'slack-noti",
    ),
    "unknown server": (
        "title: Blog\n    server: web1", "title: Blog\n    server: web2",
        "server: web2", "site 'blog': unknown server 'web2'", "'web1'",
    ),
    "unknown repository": (
        "repository: principal", "repository: principle",
        "repository: principle", "unknown repository 'principle'", "'principal'",
    ),
    "unknown provider": (
        "provider: lab,", "provider: ovh,", "provider: ovh", "unknown provider 'ovh'", "lab",
    ),
    "unknown notifier": (
        "    parallel: 3", "    notifiers: [teem]", "teem", "unknown notifier 'teem'", "'team'",
    ),
    "unknown copy": (
        "    parallel: 3", "    copies: [princpal]",
        "copies", "repository 'princpal'", "'principal'",
    ),
    "a copy that is none": (
        "    parallel: 3", "    copies: [principal]",
        "copies", "'principal' is named twice", "its own",
    ),
    "copies of no archive": (
        "    parallel: 3", "    archive_copies: [away]",
        "archive_copies", "copies of an archive, and no archive", "archive: away",
    ),
    "unknown key of a domain": (
        "site: south", "place: south", "place: south", "unknown key 'place'", "site",
    ),
    "all copies where the server is": (
        "elsewhere, site: north", "host, site: south",
        "repository: principal", "share its site or its account", "accept_shared_domain",
    ),
    "unknown origin": (
        "    parallel: 3", "    origin: {provider: x, machine: y}", "origin", "provider 'x'", "lab",
    ),
    "name twice": (
        "- name: blog", "- name: shop", "", "sites: the name 'shop' is given twice", "another name",
    ),
    "key twice": (
        "    title: Blog\n", "    title: Blog\n    title: Log\n",
        "title: Log", "'title' is given twice, first on line", "keep one",
    ),
    "domain twice": (
        "domains: [blog.omniweb.test]", "domains: [blog.omniweb.test, shop.omniweb.test]",
        "blog.omniweb.test, shop", "shop.omniweb.test belongs to site 'shop' already", "keep it",
    ),
    "domain without zone": (
        "domains: [blog.omniweb.test]", "domains: [blog.omniweb.test, blog.example]",
        "blog.example", "no zone covers the domain blog.example", "add the zone",
    ),
    "not a domain": (
        "domains: [blog.omniweb.test]", "domains: [blog.omniweb.test, 'https://x.omniweb.test']",
        "https://x", "is not a host name", "without http://",
    ),
    "bad address": (
        "address: 10.0.0.10\n", "address: web1.omniweb.test\n",
        "address: web1", "'web1.omniweb.test' is not an IP address", "must not need DNS",
    ),
    "relative root": (
        "roots: [/srv/blog]", "roots: [srv/blog]",
        "roots: [srv/blog]", "'srv/blog' is not an absolute path", "/srv/shop",
    ),
    "root that climbs": (
        "roots: [/srv/blog]", "roots: [/srv/../etc]", "/srv/..", "is not an absolute path", "/srv",
    ),
    "overlapping roots": (
        "roots: [/srv/blog]", "roots: [/srv/shop/blog]",
        "/srv/shop/blog", "root /srv/shop/blog overlaps /srv/shop of site 'shop'", "side by side",
    ),
    "smoke check elsewhere": (
        "https://blog.omniweb.test/", "https://www.omniweb.test/",
        "https://www", "asks www.omniweb.test, which is none of its domains", "blog.omniweb.test",
    ),
    "smoke check without scheme": (
        "https://blog.omniweb.test/", "blog.omniweb.test", "url: \"blog", "smoke check", "URL",
    ),
    "freshness of a stranger": (
        "freshness: {database: shop", "freshness: {database: stock",
        "freshness", "freshness asks database 'stock', not its own", "shop",
    ),
    "freshness without database": (
        "    frequency: weekly", "    freshness: {database: blog, query: SELECT 1}",
        "database: blog", "freshness asks database 'blog'", "add it to databases",
    ),
    "databases without service": (
        "    database:\n      password: {file: secret}\n", "",
        "databases: [shop]", "server 'web1' has no database", "give server 'web1' its database",
    ),
    "bad tier": ("tier: 48h", "tier: 24h", "24h", "unknown value '24h'", "48h or 1h"),
    "bad frequency": ("weekly", "monthly", "monthly", "unknown value 'monthly'", "daily or weekly"),
    "negative retention": ("last: 2", "last: -2", "last: -2", "greater than or equal", "newest"),
    "not a number": ("parallel: 3", "parallel: deux", "deux", "valid integer", "side by side"),
    "bad duration": (
        "  resolvers: [127", "  timeout_seconds: soon\n  resolvers: [127",
        "soon", "valid number", "econds",
    ),
    "secret written out": (
        "password: {env: RESTIC}", "password: hunter2", "hunter2", "secret is written out", "{env:",
    ),
    "secret from two places": (
        "{env: RESTIC}", "{env: RESTIC, file: x}", "file: x", "exactly one of env and", "write",
    ),
    "variable not set": (
        "{env: RESTIC}", "{env: NOT_SET_HERE}",
        "NOT_SET_HERE", "environment variable NOT_SET_HERE is not set", "export NOT_SET_HERE",
    ),
    "secret file missing": (
        "key_secret: {file: tsig}", "key_secret: {file: gone}", "gone", "does not exist", "create",
    ),
    "no host key": (
        "host_key: ssh-ed25519 ", "host_key: ssh-dss ",
        "ssh-dss", "host_key is not a public host key", "ssh_host_ed25519_key.pub",
    ),
    "refused by the block": (
        "    server: 127.0.0.1", "    server: ns1.omniweb.test", "ns1", "ns1.omniweb", "schema",
    ),
    "not YAML": ("probe:\n", "probe: [\n", "", "not valid YAML", "indentation"),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake(case: tuple[str, str, str, str, str], tmp_path: Path) -> None:
    before, after, place, text, hint = case
    assert before in GOOD
    wrong = GOOD.replace(before, after)
    reading = reading_of(tmp_path, wrong)
    assert reading.estate is None
    serious = [mistake for mistake in reading.mistakes if not mistake.warning]
    assert len(serious) == 1, reading.mistakes
    assert text in serious[0].text
    assert hint in serious[0].hint
    if place:
        assert serious[0].line == line_of(wrong, place)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    chosen = ("unknown key", "unknown type", "overlapping roots", "domain twice", "bad address",
              "secret file missing", "negative retention", "secret written out")  # fmt: skip
    wrong = GOOD
    for name in chosen:
        wrong = wrong.replace(*MISTAKES[name][:2])
    mistakes = reading_of(tmp_path, wrong).mistakes
    for name in chosen:
        assert any(MISTAKES[name][3] in mistake.text for mistake in mistakes), name
    assert [mistake.line for mistake in mistakes] == sorted(mistake.line for mistake in mistakes)


def test_a_broken_entry_is_still_known_to_others(tmp_path: Path) -> None:
    wrong = GOOD.replace("zone: omniweb.test", "zone: omniweb.test\n    port: 0")
    mistakes = reading_of(tmp_path, wrong).mistakes
    assert len(mistakes) == 1
    assert "should be greater than or equal to 1" in mistakes[0].text


def test_a_written_out_secret_is_not_repeated(tmp_path: Path) -> None:
    reading = reading_of(tmp_path, GOOD.replace("{file: secret}", "hunter2"))
    assert len(reading.mistakes) == 5
    assert "hunter2" not in "".join(str(mistake) for mistake in reading.mistakes)


def test_warnings_do_not_stop(tmp_path: Path) -> None:
    text = GOOD.replace(", needs_database: true", "")
    path = write(tmp_path, text)
    (tmp_path / "tsig").chmod(0o644)
    reading = read(path)
    assert reading.estate is not None
    told = [str(mistake) for mistake in reading.mistakes]
    assert len(told) == 2
    assert "may be read by others. Hint: chmod 600" in told[0]
    assert "no smoke check shows that its database answers" in told[1]


SHARED = GOOD.replace("elsewhere, site: north", "host, site: south")


def test_a_shared_domain_can_be_accepted_in_writing_and_is_shown(tmp_path: Path) -> None:
    reason = "    accept_shared_domain: moved in May\n    parallel: 3\n"
    reading = reading_of(tmp_path, SHARED.replace("    parallel: 3\n", reason))
    assert reading.estate is not None
    (warning,) = reading.mistakes
    assert warning.warning
    assert "accepted: moved in May" in warning.text


def test_one_account_for_server_and_copies_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("elsewhere, site: north", "host, site: north, account: us")
    text = text.replace("host, site: south", "host, site: south, account: us")
    reading = reading_of(tmp_path, text)
    assert reading.estate is None
    assert "its site or its account" in reading.mistakes[0].text


def test_an_estate_without_domains_works_with_a_warning(tmp_path: Path) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if "domain: {" not in line)
    reading = reading_of(tmp_path, text)
    assert reading.estate is not None
    (warning,) = reading.mistakes
    assert warning.warning
    assert "nothing shows that a copy lies elsewhere" in warning.text


def test_a_copy_with_the_first_ones_password_is_a_warning(tmp_path: Path) -> None:
    start, end = GOOD.index("  - name: principal"), GOOD.index("zones:")
    again = GOOD[start:end].replace("name: principal", "name: copie")
    text = GOOD[:end] + again + GOOD[end:]
    text = text.replace("    parallel: 3", "    copies: [copie]\n    parallel: 3")
    reading = reading_of(tmp_path, text)
    assert reading.estate is not None
    (warning,) = reading.mistakes
    assert "copy 'copie' has the password of the first" in warning.text


def test_a_server_without_sites_is_a_warning(tmp_path: Path) -> None:
    head, sites = GOOD.split("sites:\n")
    reading = reading_of(tmp_path, head + "sites: []\n")
    assert reading.estate is not None
    assert [mistake.text for mistake in reading.mistakes] == ["server 'web1': no site is on it"]
    assert sites


def test_defaults_can_be_shared_by_anchors(tmp_path: Path) -> None:
    text = GOOD.replace("  - name: shop\n", "  - &usual\n    name: shop\n").replace(
        "  - name: blog\n    title: Blog\n    server: web1\n",
        "  - <<: *usual\n    name: blog\n    title: Blog\n    databases: []\n    freshness: null\n",
    )
    reading = reading_of(tmp_path, text)
    assert reading.mistakes == ()
    assert reading.estate is not None
    assert reading.estate.sites[1].server == "web1"


@pytest.mark.parametrize("text", ["", "- 1\n", "hello\n", "servers: 3\n", "sites: [3]\n", "{}\n"])
def test_nonsense_is_told_not_raised(text: str, tmp_path: Path) -> None:
    reading = reading_of(tmp_path, text)
    assert reading.estate is None
    assert reading.mistakes


def test_load_names_the_first_mistake_and_the_next_step(tmp_path: Path) -> None:
    path = write(
        tmp_path, GOOD.replace("tier: 48h", "tier: 24h").replace("parallel: 3", "paralel: 3")
    )
    with pytest.raises(ConfigurationError, match=r"paralel.*\(and 1 more\).*estate validate"):
        load(path)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"does not exist.*estate\.example\.yaml"):
        read(tmp_path / "estate.yaml")
