"""`continuity kit`: what is needed when all else is lost, sealed in one file."""

from __future__ import annotations

import getpass
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from blocks import registry
from blocks.errors import ConfigurationError, ContinuityError, VerificationFailed
from deployments.cli.connection import EstateFile, Json, Local, connected
from deployments.cli.progress import shown
from deployments.estate_file import default_path
from deployments.kit.locks import Key, Lock, read_key
from deployments.kit.package import manifest_of
from deployments.kit.sealing import Sealed, gather, read, unfold
from deployments.kit.sealing import seal as seal_kit
from flows.decisions.readiness import State
from flows.reports.kit_text import kit_row, opened_text, sealed_text
from flows.tasks.incident import open_estate

commands = typer.Typer(
    help="The emergency kit: a recovery from an empty machine.", no_args_is_help=True
)

Passphrase = Annotated[
    bool, typer.Option("--passphrase", help="Locked by a passphrase: asked for, or read on stdin.")
]
PassphraseFile = Annotated[
    Path | None, typer.Option(help="The passphrase is the first line of this file.")
]


@commands.command()
def seal(
    to: Annotated[Path, typer.Option(help="The file to write, such as /media/usb/trousse.age.")],
    recipient: Annotated[
        list[str] | None, typer.Option(help="Public key, age1... or ssh-...; may be repeated.")
    ] = None,
    passphrase: Passphrase = False,
    passphrase_file: PassphraseFile = None,
    check: Annotated[
        Path | None, typer.Option(help="Private key to open the kit with, as a proof.")
    ] = None,
    wheels: Annotated[
        bool, typer.Option(help="Take the Python packages along: no registry is needed then.")
    ] = True,
    variable: Annotated[
        list[str] | None, typer.Option(help="Take this environment variable along, too.")
    ] = None,
    estate: EstateFile = None,
) -> None:
    """Write the encrypted kit, open it again as a proof, and note the sealing in the repository."""
    words = _passphrase(passphrase, passphrase_file, twice=True)
    lock = Lock(tuple(recipient or ()), words)
    key = Key(passphrase=words) if words.get_secret_value() else None
    key = Key(read_key(check)) if check else key
    if check and words.get_secret_value():
        raise ConfigurationError("--check", "is for public keys", "leave it out")
    file, at = estate or default_path(), datetime.now(UTC).replace(microsecond=0)
    entries = gather(file, at, wheels=wheels, variables=variable or ())
    sealed = seal_kit(entries, to, lock, at, key)
    print(sealed_text(str(to), sealed.size, sealed.files, sealed.sha256, opened=sealed.opened))
    try:
        _note(sealed, at, file)
    except ContinuityError as error:
        raise VerificationFailed(
            "note of the sealing",
            f"could not be kept ({error.subject}: {error.cause}); the kit itself is whole",
            error.hint,
        ) from error


@commands.command(name="open")
def open_(
    file: Annotated[Path, typer.Argument(help="The encrypted kit.")],
    into: Annotated[Path, typer.Option(help="New folder; only you will be able to enter it.")],
    identity: Annotated[
        Path | None, typer.Option("--identity", "-i", help="Private key of age, or SSH key.")
    ] = None,
    passphrase: Passphrase = False,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open a kit into a new folder once all of its checksums are right, and say what to type."""
    words = _passphrase(passphrase, passphrase_file, twice=False)
    if (identity is None) == (not words.get_secret_value()):
        hint = "give --identity FILE, or --passphrase"
        raise ConfigurationError("emergency kit", "wants exactly one key", hint)
    key = Key(identities=read_key(identity)) if identity else Key(passphrase=words)
    entries = read(file, key)
    unfold(entries, into)
    print(
        opened_text(
            str(into.resolve()), manifest_of(entries), sorted(each.path for each in entries)
        )
    )


@commands.command()
def status(as_json: Json = False, local: Local = False, estate: EstateFile = None) -> None:
    """Say when the kit was last sealed, and what changed since. Exit codes: 0 up to date, 3 not."""
    from flows.tasks.kit import kit_check, newest_kit

    with connected(local=local, estate=estate, quiet=as_json), shown():
        opened = [open_estate(name) for name in registry.names("protected-server")]
        found = [(each.name, newest_kit(each), kit_check(each)) for each in opened]
    rows = [kit_row(*each) for each in found]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        table = Table(title="Trousse de secours", title_justify="left")
        for column in ("Serveur", "État", "Constat", "Fichier", "À faire"):
            table.add_column(column)
        for row in rows:
            table.add_row(*(row[key] for key in ("server", "state", "seen", "file", "hint")))
        Console().print(table)
    if any(check.state is not State.READY for _, _, check in found):
        raise typer.Exit(3)


def _note(sealed: Sealed, at: datetime, estate: Path) -> None:
    """Write down in every server's repositories that the kit was sealed, and from what."""
    from flows.tasks.kit import note_kit

    with connected(local=True, estate=estate, quiet=True):
        for name in registry.names("protected-server"):
            note_kit(
                open_estate(name),
                at,
                opened=sealed.opened,
                file=(sealed.path.name, sealed.sha256, sealed.size),
                program=sealed.program,
            )


def _passphrase(wanted: bool, file: Path | None, *, twice: bool) -> SecretStr:
    """Return the passphrase from a file, a terminal or standard input; never from the words."""
    if file:
        try:
            return SecretStr(file.read_text(encoding="utf-8").split("\n", 1)[0].strip())
        except (OSError, UnicodeDecodeError) as error:
            hint = f"look at it: ls -l {file}"
            raise ConfigurationError(f"file {file}", "cannot be read as text", hint) from error
    if not wanted:
        return SecretStr("")
    if not sys.stdin.isatty():
        return SecretStr(sys.stdin.readline().strip())
    words = getpass.getpass("Phrase de passe : ").strip()
    if twice and words != getpass.getpass("Encore une fois : ").strip():
        raise ConfigurationError("passphrase", "was not typed twice alike", "type it again")
    return SecretStr(words)
