"""Check that alerts can lead to a conclusion. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from deployments.estate import Estate
from deployments.estate_mistakes import Finding


def check_alerts(estate: Estate) -> Iterator[Finding]:
    """Warn where monitors call us and nobody could ever confirm what they say.

    A monitor that can be asked is a second vantage point, where there is no better one.
    """
    asked = any(getattr(form, "token", None) for form in estate.alerts)
    if estate.alerts and not estate.witnesses and not asked:
        text = "alerts: only one vantage point, so no server is ever found to be down"
        hint = "add a machine at another provider to witnesses"
        yield Finding(("alerts",), text, hint, warning=True)
