"""Where data lies, as far as one accident, one bill or one stolen key can take it away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailureDomain:
    """What is lost together. Empty fields were not declared: nothing is concluded from them.

    Attributes:
        provider: The company that runs the place.
        site: The data centre or region at that provider.
        account: The customer account there: one unpaid bill, one stolen login.
        key: Id of the key that writes there; never its secret.
    """

    provider: str = ""
    site: str = ""
    account: str = ""
    key: str = ""

    @property
    def declared(self) -> bool:
        """Whether it can be compared with another."""
        return bool(self.provider and (self.site or self.account))

    def shares_with(self, other: FailureDomain) -> bool:
        """Return whether one fire (provider and site) or one account would take both."""
        same = bool(self.provider) and self.provider == other.provider
        fire = same and bool(self.site) and self.site == other.site
        return fire or (same and bool(self.account) and self.account == other.account)
