"""The kit's archive and its lock: whatever is wrong with them is refused."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime

import pyrage
import pytest
from pydantic import SecretStr

from blocks.errors import AuthenticationFailed, ConfigurationError, DamagedData
from deployments.kit.locks import Key, Lock, identities
from deployments.kit.package import TOP, Entry, complete, manifest_of, pack, unpack

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
WORDS = "cheval batterie agrafe correct lune"
SMALL = complete([Entry("a/one", b"1"), Entry("run", b"#!", executable=True)], {"program": "p"})


def closed(*entries: Entry) -> tuple[bytes, Key]:
    """Return a small kit, encrypted, and what opens it."""
    identity = pyrage.x25519.Identity.generate()
    lock = Lock((str(identity.to_public()),))
    return lock.close(pack(entries or SMALL, AT)), Key(SecretStr(str(identity)))


# --- the archive ---


def test_what_was_packed_is_unpacked() -> None:
    assert unpack(pack(SMALL, AT)) == SMALL
    assert manifest_of(SMALL)["program"] == "p"


def named(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    "member",
    [
        named("trousse/../../etc/cron.d/x"),
        named("/etc/cron.d/x"),
        named("other/x"),
        named("trousse/a//b"),
        named("trousse/a\nb"),
        named("trousse/link", tarfile.SYMTYPE, "/etc"),
        named("trousse/hard", tarfile.LNKTYPE, "trousse/a/one"),
        named("trousse/pipe", tarfile.FIFOTYPE),
        named("trousse/device", tarfile.CHRTYPE),
        named("trousse/folder", tarfile.DIRTYPE),
    ],
    ids=lambda member: repr(member.name),
)
def test_a_name_or_link_that_does_not_belong_is_refused(member: tarfile.TarInfo) -> None:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        for each in SMALL:
            good = tarfile.TarInfo(f"{TOP}/{each.path}")
            good.size = len(each.content)
            archive.addfile(good, io.BytesIO(each.content))
        archive.addfile(member)
    with pytest.raises(DamagedData, match="no plain file inside"):
        unpack(output.getvalue())


def test_a_manifest_that_lists_a_way_out_is_refused_like_one_that_does_not() -> None:
    for path in ("../../etc/cron.d/x", "a/../../x"):
        with pytest.raises(DamagedData, match="no plain file inside"):
            unpack(pack(complete([Entry(path, b"")], {}), AT))
    with pytest.raises(DamagedData, match="twice"):
        unpack(pack([*SMALL, SMALL[0]], AT))
    with pytest.raises(DamagedData, match="unlisted"):
        unpack(pack([*SMALL, Entry("unlisted", b"")], AT))


def test_a_file_that_is_missing_or_another_one_is_refused() -> None:
    with pytest.raises(DamagedData, match="a/one"):
        unpack(pack(SMALL[1:], AT))
    with pytest.raises(DamagedData, match="another a/one"):
        unpack(pack([Entry("a/one", b"2"), *SMALL[1:]], AT))
    with pytest.raises(DamagedData, match="manifest"):
        unpack(pack(SMALL[:2], AT))


# --- the lock ---


@pytest.mark.parametrize("cut", [0, 10, 100, 250, -400, -17, -1])
def test_a_kit_that_was_cut_off_is_refused(cut: int) -> None:
    whole, key = closed()
    with pytest.raises((DamagedData, AuthenticationFailed)):
        unpack(key.open(whole[:cut]))


@pytest.mark.parametrize("place", [0.01, 0.2, 0.5, 0.8, 0.999])
def test_a_kit_with_one_other_bit_is_refused(place: float) -> None:
    whole, key = closed()
    changed = bytearray(whole)
    changed[int(len(whole) * place)] ^= 1
    with pytest.raises((DamagedData, AuthenticationFailed)):
        unpack(key.open(bytes(changed)))


def test_another_key_is_told_from_damage() -> None:
    whole, _ = closed()
    other = Key(SecretStr(str(pyrage.x25519.Identity.generate())))
    with pytest.raises(AuthenticationFailed, match="not encrypted to this key"):
        other.open(whole)
    with pytest.raises(AuthenticationFailed, match="another sort of key"):
        Key(passphrase=SecretStr(WORDS)).open(whole)
    with pytest.raises(DamagedData, match="not a file of age"):
        other.open(b"PK\x03\x04")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Lock, "no key to lock it"),
        (lambda: Lock(("age1x",), SecretStr(WORDS)), "both public keys and a passphrase"),
        (lambda: Lock(passphrase=SecretStr("short")), "fewer than 20"),
        (lambda: Lock(("AGE-SECRET-KEY-1MISTAKE",)), "no public key"),
        (lambda: identities(SecretStr("AGE-SECRET-KEY-1MISTAKE")), "no private key"),
        (lambda: identities(SecretStr("# only a comment")), "no private key"),
    ],
)
def test_a_lock_or_key_that_is_none_is_refused_without_repeating_it(
    make: Callable[[], object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        make()
    assert "MISTAKE" not in str(refused.value)
