"""Rights of an account, from lines as MariaDB 10.11 writes them."""

from __future__ import annotations

import pytest

from blocks.databases.rights import judge_grants

HASH = "*64EF2BE48BA0E7311B8EF1C5A828F99BD93D3384"
ALL = (
    "GRANT SELECT, RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, SHOW VIEW, EVENT, TRIGGER, "
    'CONNECTION ADMIN, SLAVE MONITOR ON *.* TO "continuity"@"localhost" '
    f"IDENTIFIED BY PASSWORD '{HASH}'"
)
CANARY = "GRANT ALL PRIVILEGES ON `con\\_tinuity`.* TO `continuity`@`localhost`"
PUBLIC = "GRANT SELECT, LOCK TABLES ON `test`.* TO PUBLIC"


@pytest.mark.parametrize(
    ("grants", "missing"),
    [
        ([ALL, CANARY, PUBLIC], ()),
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], ()),
        ([ALL.replace(" PROCESS,", ""), CANARY, PUBLIC], ("GRANT PROCESS ON *.*",)),
        ([ALL.replace("SLAVE MONITOR", "USAGE"), CANARY], ("GRANT REPLICA MONITOR ON *.*",)),
        ([ALL, PUBLIC], ("GRANT ALL ON con_tinuity.*",)),
        ([ALL, CANARY.replace("ALL PRIVILEGES", "SELECT")], ("GRANT ALL ON con_tinuity.*",)),
    ],
)
def test_what_an_account_lacks(grants: list[str], missing: tuple[str, ...]) -> None:
    seen = judge_grants("continuity@localhost", grants, "con_tinuity")
    assert (seen.missing, bool(seen.may)) == (missing, not missing)
    assert HASH not in str(seen)


def test_a_bare_account_lacks_everything() -> None:
    seen = judge_grants("a@b", ["GRANT USAGE ON *.* TO `a`@`b`"], "continuity")
    assert len(seen.missing) == 11
