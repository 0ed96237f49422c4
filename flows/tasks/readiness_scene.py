"""What all looks at readiness share: the estate, its sets, its sites and what its zones hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from blocks.errors import ContinuityError, NotFound
from blocks.repositories.base import Repository
from blocks.types import RecoverySet
from flows.decisions.protection import CopyView
from flows.decisions.readiness import Check, newest
from flows.decisions.readiness_records import NamesView
from flows.decisions.recovery_plan import SiteSpec
from flows.tasks.harmless import answer_of
from flows.tasks.incident import Estate
from flows.tasks.look import look_at_copies, site_spec, zone_view

Looks = list[tuple[str, Callable[[], Sequence[Check]]]]
"""What is looked at, in French, and how: a look that cannot be made is unknown under this name."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What was seen once for all looks."""

    estate: Estate
    copies: tuple[CopyView, ...]
    names: NamesView
    sites: tuple[SiteSpec, ...]

    @property
    def newest(self) -> RecoverySet | None:
        """The set whose data are the newest, None without any."""
        return newest(each for copy in self.copies for each in copy.usable())

    def required(self) -> tuple[RecoverySet, Repository]:
        """Return the newest set and the repository that holds it as it is described there.

        Raises:
            NotFound: There is no usable set.
        """
        made = self.newest
        for copy in self.copies:
            if made is not None and made in copy.sets:
                return made, self.estate.repositories[copy.name]
        name = self.estate.name
        raise NotFound(f"sets of {name}", "none can be used", f"continuity backup {name}")


def scene_of(estate: Estate) -> Scene:
    """Look at repositories and zones, side by side; what cannot be read says why."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        copies = pool.submit(look_at_copies, estate)
        names = pool.submit(names_of, estate)
    specs = tuple(site_spec(name, estate) for name in estate.sites)
    return Scene(estate, copies.result(), names.result(), specs)


def names_of(estate: Estate) -> NamesView:
    """Read all that the zones hold; one that cannot be read says why."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        views = pool.map(lambda ref: zone_view(ref, estate), estate.zones)
        others = pool.map(lambda ref: answer_of(estate.zones[ref].others), estate.zones)
        named = dict(zip(estate.zones, others, strict=True))
    refused = {
        estate.zones[ref].zone: each.cause
        for ref, each in named.items()
        if isinstance(each, ContinuityError)
    }
    read = [each for each in named.values() if not isinstance(each, ContinuityError)]
    return NamesView(tuple(views), tuple(r for each in read for r in each), refused)
