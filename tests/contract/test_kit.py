"""The emergency kit: sealed, opened by us and by stock tools, refused when anything is wrong."""

from __future__ import annotations

import os
import pty
import subprocess
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from blocks import registry
from blocks.errors import (
    AuthenticationFailed,
    ConfigurationError,
    ContinuityError,
)
from deployments.cli.main import commands
from deployments.estate_file import load
from deployments.kit import sealing
from deployments.kit.estate_part import estate_entries
from deployments.kit.locks import Key, Lock
from deployments.kit.package import Entry, complete, pack
from deployments.kit.program_part import requirements
from deployments.kit.sealing import README, gather, read, seal, unfold
from deployments.world import provide
from flows.tasks.incident import open_estate
from flows.tasks.kit import fingerprint
from tests.unit.estate_texts import GOOD
from tests.unit.test_docs import continuity_commands, parse

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
WORDS = "cheval batterie agrafe correct lune"
AWKWARD = 'it\'s $HOME `id` "quoted" \\ é'
SMALL = complete([Entry("a/one", b"1"), Entry("run", b"#!", executable=True)], {"program": "p"})


def ran(*words: str, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def typed(argv: list[str], times: int, cwd: Path) -> None:
    """Run a command on a terminal of its own and type the passphrase when it asks."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.execvp(argv[0], argv)  # noqa: S606 - a terminal of its own
    said, deadline = b"", time.monotonic() + 60
    with suppress(OSError):  # the terminal ends with the command
        while time.monotonic() < deadline:
            said += os.read(terminal, 1000)
            if said.count(b"passphrase") > 0 and times and said.rstrip().endswith(b":"):
                os.write(terminal, f"{WORDS}\n".encode())
                said, times = b"", times - 1
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, said


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An estate whose secrets are near, one folder up, at an absolute path, and in a variable."""
    folder = tmp_path / "office" / "conf"
    folder.mkdir(parents=True)
    places = {"secret": folder / "secret", "key": folder / "keys/key"}
    places |= {"../tsig": folder.parent / "tsig", "ca": tmp_path / "far/ca.pem"}
    for path in places.values():
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"c2VjcmV0 of {path.name}\n")
        path.chmod(0o600)
    text = GOOD.replace("{file: key}", "{file: keys/key}").replace(
        "{file: tsig}", "{file: ../tsig}"
    )
    text = text.replace("[127.0.0.1]", f"[127.0.0.1]\n  ca_file: {places['ca']}", 1)
    file = folder / "estate.yaml"
    file.write_text(f"# Un commentaire reste.\n{text}")
    monkeypatch.setenv("RESTIC", AWKWARD)
    return file


def test_a_team_of_age_and_ssh_keys_can_open_it_each_alone(tmp_path: Path) -> None:
    ran("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "ssh", cwd=tmp_path)
    identity = pyrage.x25519.Identity.generate()
    public = (tmp_path / "ssh.pub").read_text().strip()
    kit = Lock((str(identity.to_public()), public)).close(b"inside")
    for content in (str(identity), (tmp_path / "ssh").read_text()):
        assert Key(SecretStr(content)).open(kit) == b"inside"
    (tmp_path / "kit").write_bytes(kit)
    assert ran("age", "-d", "-i", "ssh", "kit", cwd=tmp_path) == "inside"


# --- the whole kit ---


def test_stock_tools_open_what_was_sealed(estate: Path, tmp_path: Path) -> None:
    ran("age-keygen", "-o", "key.txt", cwd=tmp_path)
    public = ran("age-keygen", "-y", "key.txt", cwd=tmp_path).strip()
    entries = gather(estate, AT, wheels=False, variables=["PATH"])
    key = Key(SecretStr((tmp_path / "key.txt").read_text()))
    file = tmp_path / "kit.age"
    sealed = seal(entries, file, Lock((public,)), AT, key)
    assert (sealed.opened, sealed.size) == (True, file.stat().st_size)
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"c2VjcmV0" not in file.read_bytes()
    ran("sh", "-c", "age -d -i key.txt kit.age | tar -xz", cwd=tmp_path)
    kit = tmp_path / "trousse"
    assert kit.stat().st_mode & 0o777 == 0o700
    ran("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=kit)
    assert (kit / "programme/deployments/cli/main.py").is_file()
    assert (kit / "programme/docs/restore-by-hand.md").is_file()
    assert os.access(kit / "install", os.X_OK)
    ran("bash", "-n", "install", cwd=kit)
    for name in ("install", "LISEZ-MOI.md"):
        assert "parc/conf/estate.yaml" in (kit / name).read_text()
        assert "@" not in (kit / name).read_text().replace("${packages[@]}", "").replace(
            "${source[@]}", ""
        ).replace("$@", "")
    assert list(read(file, key)) == list(entries)


def test_a_kit_that_the_given_key_does_not_open_never_replaces_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "kit.age"
    file.write_bytes(b"the old one")
    mine, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    with pytest.raises(AuthenticationFailed):
        seal(SMALL, file, Lock((str(mine.to_public()),)), AT, Key(SecretStr(str(other))))
    assert [each.name for each in tmp_path.iterdir()] == ["kit.age"]
    assert file.read_bytes() == b"the old one"


def test_without_a_private_key_it_says_that_nobody_opened_it(tmp_path: Path) -> None:
    mine = pyrage.x25519.Identity.generate()
    sealed = seal(SMALL, tmp_path / "kit.age", Lock((str(mine.to_public()),)), AT, None)
    assert not sealed.opened


# --- the estate in it ---


def test_the_estate_works_from_the_new_folder_byte_for_byte(
    estate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lies, entries = estate_entries(estate)
    assert lies == "parc/conf/estate.yaml"
    assert [each.path for each in entries if each.path.startswith("place/")] == [
        f"place{tmp_path}/far/ca.pem"
    ]
    unfold(entries, tmp_path / "new")
    copy = tmp_path / "new" / lies
    assert copy.read_bytes() == estate.read_bytes()
    for path in (tmp_path / "new").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
    shell = '. ./secrets.env; printf %s "$RESTIC"'
    assert ran("sh", "-c", shell, cwd=tmp_path / "new") == AWKWARD
    for gone in (estate, estate.parent / "secret", estate.parents[1] / "tsig"):
        gone.unlink()
    monkeypatch.setenv("RESTIC", AWKWARD)
    assert load(copy).agency.name == "OmniWeb"


def fingerprint_of(estate: Path) -> str:
    registry.provide(provide(load(estate)))
    try:
        opened = open_estate("web1")
        return fingerprint(opened, opened.repository)
    finally:
        registry.provide({})


def test_every_secret_and_every_setting_counts_for_the_fingerprint(estate: Path) -> None:
    seen = {fingerprint_of(estate)}
    assert fingerprint_of(estate) in seen
    for secret in ("secret", "keys/key", "../tsig"):
        (estate.parent / secret).write_text("bmV3")
        seen.add(fingerprint_of(estate))
    estate.write_text(estate.read_text().replace("parallel: 3", "parallel: 4"))
    assert len(seen | {fingerprint_of(estate)}) == 5


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{file: ../tsig}", "{file: ../none}", "none"),
        ("{env: RESTIC}", "{env: NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE"),
        ("{file: ../tsig}", "{file: ~/tsig}", "tsig"),
    ],
)
def test_a_secret_that_is_missing_or_elsewhere_stops_the_sealing(
    estate: Path, old: str, new: str, said: str
) -> None:
    estate.write_text(estate.read_text().replace(old, new))
    with pytest.raises(ConfigurationError, match=said):
        estate_entries(estate)


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        unfold(SMALL, tmp_path / "mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="not empty"):
        unfold(SMALL, tmp_path / "link")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link", "mine"]


def test_nothing_is_left_of_a_kit_that_could_not_be_unfolded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealing.os, "fsync", fail)
    with pytest.raises(ConfigurationError, match="No space left"):
        unfold(SMALL, tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_only_what_runs_is_locked_along() -> None:
    locked = requirements()
    assert "prefect==" in locked
    assert "pyrage==" in locked
    # Needed on Python 3.11.2 of Debian 12, not on a later patch that may run here.
    assert "async-timeout==" in locked
    # octodns-route53 takes pycountry-convert along, which calls pytest one of its own needs.
    for name in ("moto", "mypy", "ruff", "import-linter", "aiosmtpd"):
        assert f"\n{name}==" not in locked
    assert all("--hash=sha256:" in part for part in locked.split("\n    # via")[:-1])


# --- the commands ---


def test_open_takes_the_passphrase_from_standard_input_and_says_what_to_type(
    tmp_path: Path,
) -> None:
    facts = {"program": "abc", "sealed_at": AT.isoformat(), "estate": "parc/estate.yaml"}
    entries = complete([Entry("place/etc/ca.pem", b"1"), Entry("parc/estate.yaml", b"")], facts)
    (tmp_path / "plain").write_bytes(pack(entries, AT))
    typed(["age", "--passphrase", "--output", "kit.age", "plain"], 2, tmp_path)
    words = ["kit", "open", str(tmp_path / "kit.age"), "--into", str(tmp_path / "new")]
    file = tmp_path / "words"
    file.write_text("not these words at all\n")
    wrong = CliRunner().invoke(commands, [*words, "--passphrase-file", str(file)])
    assert isinstance(wrong.exception, AuthenticationFailed)
    assert not (tmp_path / "new").exists()
    ok = CliRunner().invoke(commands, [*words, "--passphrase"], input=f"{WORDS}\n")
    assert ok.exit_code == 0, ok.output
    assert f"cd {tmp_path}/new && ./install" in ok.stdout
    assert "continuity recover web1 --local" in ok.stdout
    assert "/etc/ca.pem" in ok.stdout
    assert (tmp_path / "new/place/etc/ca.pem").read_bytes() == b"1"


def test_stock_age_opens_what_we_locked_by_a_passphrase(tmp_path: Path) -> None:
    (tmp_path / "kit.age").write_bytes(Lock(passphrase=SecretStr(WORDS)).close(b"inside"))
    typed(["age", "--decrypt", "--output", "plain", "kit.age"], 1, tmp_path)
    assert (tmp_path / "plain").read_bytes() == b"inside"


def test_seal_refuses_to_write_anything_without_a_lock(estate: Path, tmp_path: Path) -> None:
    words = ["kit", "seal", "--to", str(tmp_path / "kit"), "--estate", str(estate)]
    refused = CliRunner().invoke(commands, words)
    assert isinstance(refused.exception, ContinuityError)
    assert not (tmp_path / "kit").exists()


def test_each_command_of_the_page_inside_parses() -> None:
    found = list(continuity_commands((Path(sealing.__file__).parent / README).read_text("utf-8")))
    assert len(found) == 2
    for line in found:
        parse(line)
