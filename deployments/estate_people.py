"""Check that somebody can be called: people, who stands in for them, and suppliers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from blocks.types import Duty
from deployments.estate import Agency, Estate
from deployments.estate_mistakes import Finding, did_you_mean

_PLACE = ("agency",)


def people(estate: Estate) -> Iterator[Finding]:
    """Yield what keeps the recovery document from saying whom to call."""
    yield from _duties(estate.agency)
    yield from _names(estate.agency)
    yield from _suppliers(estate)


def _duties(agency: Agency) -> Iterator[Finding]:
    if not agency.people:
        text = "agency: nobody is named, so the recovery document cannot say whom to call"
        hint = "add `people` with name, roles, phone, email and order"
        yield Finding(_PLACE, text, hint, warning=True)
        return
    held = {duty for person in agency.people for duty in person.roles}
    for duty in Duty:
        if duty not in held:
            text = f"agency: nobody has the role '{duty}'"
            yield Finding((*_PLACE, "people"), text, "give it to one of the people", warning=True)


def _names(agency: Agency) -> Iterator[Finding]:
    known = [person.name for person in agency.people]
    for name, times in Counter(known).items():
        if times > 1:
            text = f"agency: the person '{name}' is given twice"
            yield Finding((*_PLACE, "people"), text, "give all roles in one entry")
    for index, person in enumerate(agency.people):
        for position, deputy in enumerate(person.deputies):
            if deputy not in known or deputy == person.name:
                path = (*_PLACE, "people", index, "deputies", position)
                text = f"person '{person.name}': unknown deputy '{deputy}'"
                others = [each for each in known if each != person.name]
                yield Finding(path, text, did_you_mean(deputy, others))


def _suppliers(estate: Estate) -> Iterator[Finding]:
    if not estate.agency.suppliers:
        text = "agency: no supplier is named, so the recovery document gives no support contact"
        hint = "add `suppliers` with name, provides, support, contract and covers"
        yield Finding(_PLACE, text, hint, warning=True)
        return
    covered = {name for each in estate.agency.suppliers for name in each.covers}
    for provider in sorted(used_providers(estate) - covered):
        text = f"agency: no supplier covers '{provider}'"
        hint = f"add `covers: [{provider}]` to the supplier that stands for it"
        yield Finding((*_PLACE, "suppliers"), text, hint, warning=True)


def used_providers(estate: Estate) -> set[str]:
    """Return the companies that servers, repositories and archives are declared to lie at."""
    forms = [*estate.repositories, *estate.archives]
    domains = [getattr(form, "domain", None) for form in forms]
    domains += [server.domain for server in estate.servers]
    return {domain.provider for domain in domains if domain and domain.provider}
