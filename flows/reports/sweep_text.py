"""What a sweep found and did, as a document for machines and a page for people (French)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from flows.decisions.sweep import Stranger
from flows.reports.wording import moment


class Found(Protocol):
    """What a sweep says of one provider."""

    @property
    def provider(self) -> str: ...
    @property
    def destroyed(self) -> tuple[str, ...]: ...
    @property
    def kept(self) -> tuple[str, ...]: ...
    @property
    def others(self) -> int: ...
    @property
    def strangers(self) -> tuple[Stranger, ...]: ...


def sweep_document(swept: Sequence[Found], problems: Sequence[str]) -> dict[str, object]:
    """Return the sweep as JSON values; texts are for people."""
    return {
        "providers": [
            {
                "provider": each.provider,
                "destroyed": list(each.destroyed),
                "kept": list(each.kept),
                "others": each.others,
                "strangers": [stranger_text(one) for one in each.strangers],
            }
            for each in swept
        ],
        "problems": list(problems),
    }


def sweep_markdown(document: Mapping[str, object]) -> str:
    """Return the page for Prefect and the terminal."""
    providers, problems = document["providers"], document["problems"]
    lines = ["# Ménage des machines d'exercice", ""]
    lines += ["| Fournisseur | Détruites | Exercices en cours | Autres machines à nous |"]
    lines += ["|---|---|---|---|"]
    strangers: list[str] = []
    for each in providers if isinstance(providers, list) else []:
        gone, kept = (", ".join(each[key]) or "aucune" for key in ("destroyed", "kept"))
        lines.append(f"| {each['provider']} | {gone} | {kept} | {each['others']} |")
        strangers += each["strangers"]
    if isinstance(problems, list) and problems:
        lines += ["", "## Ce qui n'a pas pu être fait", "", *(f"- {each}" for each in problems)]
    if strangers:
        lines += ["", "## Machines que rien n'explique", "", *(f"- {each}" for each in strangers)]
        lines += ["", "Elles ne sont **pas** détruites : c'est à une personne d'en décider."]
    return "\n".join(lines) + "\n"


def stranger_text(stranger: Stranger) -> str:
    """Say what a machine is, why it should not be there, and what to do."""
    machine = stranger.machine
    return (
        f"`{machine.name}` ({machine.address}) chez {machine.provider}, créée le "
        f"{moment(machine.created_at)} : {stranger.why}. Si elle ne sert plus, la détruire chez "
        "son fournisseur ; si elle sert, la nommer dans le fichier du parc"
    )
