"""A client's site."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import BaseModel, Field

from blocks.types import Frequency, SmokeCheck, Tier


class SmokePage(BaseModel):
    """One page that must answer for the site to count as healthy."""

    url: str = Field(description="Absolute URL of the page.")
    status: int = Field(default=200, description="Expected HTTP status.")
    contains: str = Field(default="", description="Text that the page must show.")
    needs_database: bool = Field(default=False, description="Whether the page proves the database.")

    def value(self) -> SmokeCheck:
        """Return the plain value that probes take."""
        return SmokeCheck(self.url, self.status, self.contains, self.needs_database)


class LoginPage(BaseModel):
    """The page where the site's people log in; a drill wants a form with a password field there."""

    url: str = Field(description="Absolute URL, such as https://www.example.org/wp-login.php.")
    contains: str = Field(default="", description="Text that the page must show.")


class Freshness(BaseModel):
    """A query that gives the time of the site's newest row, in UTC."""

    database: str = Field(description="Database to ask.")
    query: str = Field(description="SELECT that returns one UTC time.")


class Site(Block):
    """A client's site: where its files, databases and pages are, and what was promised.

    Example:
        ```python
        from blocks.sites.site import Site

        site = Site.load("BLOCK_NAME")
        ```
    """

    _block_type_name = "Client site"
    _block_type_slug = "client-site"
    _description = (
        "A client's site: where its files, databases and pages are, and what was promised."
    )

    title: str = Field(title="Title", description="Name that people use.")
    domains: list[str] = Field(title="Domains", description="Host names that lead to the site.")
    roots: list[str] = Field(title="Roots", description="Directories that hold the site's files.")
    exclude: list[str] = Field(
        default_factory=list, title="Exclude", description="Patterns of files that are not kept."
    )
    databases: list[str] = Field(
        default_factory=list, title="Databases", description="Databases that the site uses."
    )
    tier: Tier = Field(default=Tier.HOURS_48, title="Tier", description="The promise made.")
    priority: int = Field(
        default=50, ge=1, le=100, title="Priority", description="1 comes back first."
    )
    frequency: Frequency = Field(
        default=Frequency.DAILY, title="Frequency", description="How often it is backed up."
    )
    smoke: list[SmokePage] = Field(title="Smoke checks", description="Pages that must answer.")
    freshness: Freshness | None = Field(
        default=None, title="Freshness", description="Query for the site's newest row."
    )
    login: LoginPage | None = Field(
        default=None, title="Login page", description="Where the site's people log in."
    )
    links_ignored: list[str] = Field(
        default_factory=list,
        title="Links not followed",
        description="Parts of URLs that a drill does not follow from the site's first page.",
    )
    picture_threshold: float = Field(
        default=0.25,
        ge=0,
        le=1,
        title="Picture threshold",
        description="Share of the first page's pixels that may differ from production.",
    )
