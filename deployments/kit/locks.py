"""Who can open a kit: age keys or a passphrase. Plain age files, which stock `age` opens too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyrage
from pydantic import SecretStr

from blocks.errors import AuthenticationFailed, ConfigurationError, DamagedData

SHORTEST = 20
"""Characters of a passphrase: a kit is copied to places where somebody has years to guess."""
_MAGIC, _SCRYPT = b"age-encryption.org/v1\n", b"-> scrypt "
_NO_KEY = "No matching keys"


@dataclass(frozen=True, slots=True)
class Lock:
    """What a kit is encrypted to: public keys, or a passphrase; age cannot mix the two."""

    recipients: tuple[str, ...] = ()
    passphrase: SecretStr = field(default_factory=lambda: SecretStr(""))

    def __post_init__(self) -> None:
        words = self.passphrase.get_secret_value()
        if bool(self.recipients) == bool(words):
            cause = "has both public keys and a passphrase" if words else "has no key to lock it"
            hint = "give --recipient age1... (may be repeated), or --passphrase; both: seal twice"
            raise ConfigurationError("emergency kit", cause, hint)
        if words and len(words) < SHORTEST:
            raise ConfigurationError(
                "passphrase",
                f"has fewer than {SHORTEST} characters",
                "take six words drawn at random, and write them on paper",
            )
        for text in self.recipients:
            _recipient(text)

    def close(self, plain: bytes) -> bytes:
        """Return the encrypted bytes."""
        if self.recipients:
            return bytes(pyrage.encrypt(plain, [_recipient(each) for each in self.recipients]))
        return bytes(pyrage.passphrase.encrypt(plain, self.passphrase.get_secret_value()))


@dataclass(frozen=True, slots=True)
class Key:
    """What opens a kit: the content of an identity file (age or SSH), or the passphrase."""

    identities: SecretStr = field(default_factory=lambda: SecretStr(""))
    passphrase: SecretStr = field(default_factory=lambda: SecretStr(""))

    def open(self, closed: bytes) -> bytes:
        """Return what is inside.

        Raises:
            AuthenticationFailed: It is not encrypted to this key, or the passphrase is wrong.
            DamagedData: It is no age file, or it was changed or cut off.
            ConfigurationError: The identity file holds no key.
        """
        if not closed.startswith(_MAGIC):
            raise _damaged("is not a file of age")
        by_passphrase = closed.startswith(_SCRYPT, len(_MAGIC))
        words = self.passphrase.get_secret_value()
        if by_passphrase != bool(words):
            hint = "--passphrase" if by_passphrase else "--identity FILE"
            raise AuthenticationFailed("emergency kit", "wants another sort of key", f"give {hint}")
        try:
            if words:
                return bytes(pyrage.passphrase.decrypt(closed, words))
            return bytes(pyrage.decrypt(closed, identities(self.identities)))
        except pyrage.DecryptError as error:
            if words and "decryption failed" in str(error).lower():
                raise AuthenticationFailed(
                    "emergency kit",
                    "the passphrase is wrong, or the file is damaged",
                    "type it again; try another copy of the kit",
                ) from error
            if _NO_KEY.lower() in str(error).lower():
                raise AuthenticationFailed(
                    "emergency kit", "is not encrypted to this key", "try the key of a colleague"
                ) from error
            raise _damaged(f"cannot be decrypted to its end ({error})") from error


def read_key(path: Path) -> SecretStr:
    """Return an identity file's content. Raises `ConfigurationError`."""
    try:
        content = SecretStr(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"key file {path}", "cannot be read as text", f"look at it: ls -l {path}"
        ) from error
    identities(content)
    return content


def identities(
    content: SecretStr,
) -> Sequence[pyrage.x25519.Identity | pyrage.ssh.Identity]:
    """Return the private keys in an identity file. Raises `ConfigurationError`."""
    text = content.get_secret_value()
    lines = [line.strip() for line in text.splitlines()]
    try:
        if "-----BEGIN" in text:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        keys = [line for line in lines if line and not line.startswith("#")]
        found = [pyrage.x25519.Identity.from_str(line) for line in keys]
    except pyrage.IdentityError:
        found = []
    if not found:
        # Never the library's own words: they may repeat the key.
        raise ConfigurationError(
            "key file",
            "holds no private key of age (AGE-SECRET-KEY-1...) nor an SSH key without passphrase",
            "make one: age-keygen -o FILE; a protected one is opened by: age -d -i FILE",
        )
    return found


def _recipient(text: str) -> pyrage.x25519.Recipient | pyrage.ssh.Recipient:
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        shown = text[:12] if text.startswith(("age1", "ssh-")) else "what was given"
        raise ConfigurationError(
            f"recipient {shown}...",
            "is no public key of age or SSH",
            "give age1... (age-keygen -y FILE shows it), ssh-ed25519 ... or ssh-rsa ...",
        ) from error


def _damaged(cause: str) -> DamagedData:
    return DamagedData("emergency kit", cause, "try another copy of the kit")
