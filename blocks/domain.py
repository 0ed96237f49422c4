"""The failure domain of a server or a repository, as the estate file declares it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from blocks.types import FailureDomain


class DeclaredDomain(BaseModel):
    """What is lost together: who runs the place, where it is, who pays for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(default="", description="Company that runs the place, such as ovh.")
    site: str = Field(default="", description="Data centre or region there, such as gra.")
    account: str = Field(default="", description="Customer account there: one bill, one login.")

    def value(self, key: str = "") -> FailureDomain:
        """Return the domain with the id of the key that writes there."""
        return FailureDomain(self.provider, self.site, self.account, key)
