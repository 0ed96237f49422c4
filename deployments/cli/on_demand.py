"""A group of commands that imports a command's module only when that command is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is, and what the list of all commands says of it.

    Attributes:
        place: `module:name`, a function or a `Typer` with commands of its own, in this package.
        summary: The first sentence of its own help.
    """

    place: str
    summary: str


def on_demand(entries: Mapping[str, Entry]) -> type[TyperGroup]:
    """Return the class of a group with these commands, to be given to `Typer(cls=...)`."""

    class OnDemand(TyperGroup):
        def __init__(self, **settings: object) -> None:
            super().__init__(**settings)  # type: ignore[arg-type]
            self.commands = {name: _told(name, each) for name, each in entries.items()}
            self._telling = False

        def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
            entry = entries.get(cmd_name)
            if entry is None or self._telling:
                return super().get_command(ctx, cmd_name)
            return loaded(cmd_name, entry)

        def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
            self._telling = True
            try:
                super().format_help(ctx, formatter)
            finally:
                self._telling = False

    return OnDemand


def loaded(name: str, entry: Entry) -> Command:
    """Import a command and return it as typer runs it."""
    module, _, inside = entry.place.partition(":")
    found = getattr(import_module(f"deployments.cli.{module}"), inside)
    around = typer.Typer()
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name)(found)
    return typer.main.get_group(around).commands[name]


def _told(name: str, entry: Entry) -> TyperCommand:
    """Return what stands for a command in the list of all: its name and its summary."""
    return TyperCommand(name, help=entry.summary)
