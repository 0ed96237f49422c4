"""The agency: who leads, who helps, and whom it buys from."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import BaseModel, Field

from blocks.types import Company, Contact, Duty


class Person(BaseModel):
    """Somebody to call in an incident."""

    name: str = Field(min_length=1, description="First and last name.")
    roles: list[Duty] = Field(min_length=1, description="What this person does in an incident.")
    phone: str = Field(
        pattern=r"^\+?[0-9][0-9 .-]{3,24}$", description="Number that is answered at night."
    )
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$", description="E-mail address.")
    order: int = Field(ge=1, le=99, description="Place in the call tree: 1 is called first.")
    deputies: list[str] = Field(
        default_factory=list, description="Names of those who stand in, in their order."
    )

    def value(self) -> Contact:
        """Return the plain value that documents take."""
        duties, deputies = tuple(self.roles), tuple(self.deputies)
        return Contact(self.name, duties, self.phone, self.email, self.order, deputies)


class Supplier(BaseModel):
    """A company that something of ours depends on."""

    name: str = Field(min_length=1, description="Name of the company.")
    provides: str = Field(min_length=1, description="What it provides, in French.")
    support: str = Field(min_length=1, description="Phone number or URL of its support.")
    contract: str = Field(min_length=1, description="Contract or customer number to give there.")
    covers: list[str] = Field(
        default_factory=list,
        description="Values of `domain.provider` that stand for this company.",
    )

    def value(self) -> Company:
        """Return the plain value that documents take."""
        return Company(self.name, self.provides, self.support, self.contract, tuple(self.covers))


class Agency(Block):
    """Who runs the estate, whom to call, and whom it buys from.

    Example:
        ```python
        from blocks.agency import Agency

        agency = Agency.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Agency"
    _block_type_slug = "agency"
    _description = "Who runs the estate, whom to call, and whom it buys from."

    title: str = Field(title="Name", description="Name of the agency, as clients know it.")
    people: list[Person] = Field(
        default_factory=list, title="People", description="Whom to call in an incident."
    )
    suppliers: list[Supplier] = Field(
        default_factory=list, title="Suppliers", description="Companies that it depends on."
    )
