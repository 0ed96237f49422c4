"""What people read of a real incident, opened in a real browser; kept in var/documents."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from deployments.lab.config import ROOT, Lab
from deployments.lab.demo_papers import Papers
from tests.lab.estate import SERVER, command, ended
from tests.lab.story import Recovered

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
FOLDER = ROOT / "var" / "documents"
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
LEFT_OVER = ("{{", "}}", "None", "TODO", "datetime.")


def tell_clients(incident: str) -> None:
    """Read the messages and send them, as an operator does."""
    status, shown = ended(command("clients", "show", incident))
    assert status == 0, shown
    (digest,) = set(re.findall(r"Empreinte[^`\n]*`([0-9a-f]{12})`", shown))
    sending = command("clients", "send", incident, "--approve", digest, "--operator", "Camille")
    status, said = ended(sending)
    assert status == 0, said


def test_every_document_of_an_incident_can_be_read(here: Lab, recovered: Recovered) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    papers = Papers(FOLDER, here)
    papers.write("report", SERVER, recovered.incident, "--out", "report")
    papers.write("readiness", "--html", "readiness.html", accept=(0, 3))
    papers.write("cost", "--html", "cost.html")
    papers.write("pra", "--html", "pra.html", "--pdf", "pra.pdf")
    tell_clients(recovered.incident)
    papers.status_page()
    papers.mails()
    papers.pictures()
    names = papers.written()
    pages = [each for each in names if each.endswith(".html")]
    assert len(pages) == 5, names
    for each in pages:
        text = re.sub(STYLE, "", (FOLDER / each).read_text(encoding="utf-8"))
        assert not [word for word in LEFT_OVER if word in text], each
        with Image.open((FOLDER / each).with_suffix(".png")) as seen:
            assert seen.size == (1280, 2400)
            colours = seen.convert("RGB").getcolors(maxcolors=seen.width * seen.height)
            assert colours is not None
            assert len(colours) > 20, f"{each} is an empty page"
    for each in (each for each in names if each.endswith(".pdf")):
        assert (FOLDER / each).read_bytes().startswith(b"%PDF-"), each
    mails = [each for each in names if each.startswith("mails/")]
    assert len(mails) >= 4, "every address of the three clients is told that the sites are back"
