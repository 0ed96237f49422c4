"""Whom to call: what is missing is told, what is wrong is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from blocks.agency import Agency
from blocks.types import Duty
from deployments.estate_file import load, read
from deployments.world import AGENCY, provide
from tests.unit.estate_texts import GOOD, write

PEOPLE = GOOD[GOOD.index("  people:") : GOOD.index("  suppliers:")]
SUPPLIERS = GOOD[GOOD.index("  suppliers:") : GOOD.index("probe:")]


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTIC", "hush-hush")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (PEOPLE, "", "nobody is named"),
        (SUPPLIERS, "", "no supplier is named"),
        (", décision]", "]", "nobody has the role 'décision'"),
        ("[host, elsewhere]", "[host]", "no supplier covers 'elsewhere'"),
    ],
)
def test_what_is_missing_is_a_warning(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in GOOD
    reading = read(write(tmp_path, GOOD.replace(before, after)))
    (found,) = reading.mistakes
    assert said in found.text
    assert found.warning
    assert reading.estate is not None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("order: 1", "order: 1\n      deputies: [Bob]", "unknown deputy 'Bob'"),
        ("order: 1", "order: 1\n      deputies: [Anne]", "unknown deputy 'Anne'"),
        ("anne@omniweb.test", "anne", "email"),
        ('"+33 6 00 00 00 01"', "none", "phone"),
        ("[pilote,", "[chef,", "roles"),
        (PEOPLE, PEOPLE + PEOPLE.removeprefix("  people:\n"), "given twice"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in GOOD
    reading = read(write(tmp_path, GOOD.replace(before, after, 1)))
    assert reading.estate is None
    assert any(said in str(each) for each in reading.mistakes), reading.mistakes


def test_people_and_suppliers_reach_the_block(tmp_path: Path) -> None:
    agency = provide(load(write(tmp_path)))[AGENCY]
    assert isinstance(agency, Agency)
    (anne,) = (each.value() for each in agency.people)
    assert (anne.name, anne.order, anne.duties) == ("Anne", 1, tuple(Duty))
    (host,) = (each.value() for each in agency.suppliers)
    assert host.covers == ("host", "elsewhere")
