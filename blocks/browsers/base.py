"""See a page as people see it, and print one on paper."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Browser(ABC):
    """A browser of this machine. Not a block: like restic it is a program, nothing is declared.

    Every call begins with an empty profile and leaves nothing behind: no file, no process.
    Errors: `ConfigurationError` (there is none, or it does not start), `Unreachable` (no page came
    from there), `VerificationFailed` (a certificate that it does not trust), `DeadlineExceeded`
    (the page was not complete in time), `ProviderError` (it ended before it was done).
    """

    @abstractmethod
    def picture(
        self,
        url: str,
        *,
        address: str = "",
        width: int = 1280,
        height: int = 1600,
        any_certificate: bool = False,
    ) -> bytes:
        """Return a PNG of exactly width x height pixels: the top of the page once it is complete.

        It shows what the server answers, a page of an error too. Nothing but the URL's own host,
        with `www.` and without, is reached: what a page wants of others stays away each time.

        Args:
            url: http or https (or file, for a page of our own).
            address: IP address to reach the URL's host at, "" to ask the system's resolver. Host
                header, SNI and certificate stay those of the URL.
            width: Of the window.
            height: Of the window.
            any_certificate: Show the page whatever its certificate, such as one of a private
                authority. Only for a page whose TLS a probe has verified: nothing is checked here.
        """

    @abstractmethod
    def pdf(self, html: str) -> bytes:
        """Return the page as an A4 PDF with page numbers, colours as on screen.

        No script of it runs, and nothing is fetched: it must be self-contained.
        """
