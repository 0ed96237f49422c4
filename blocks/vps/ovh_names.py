"""An instance's name that holds its labels, because OVH's API has no tags. Pure.

Such a name is `continuity~drill-i1~incident=i1~purpose=drill~server=web1~host-key=...`: our mark,
what the machine is called, its other labels, and last its host key, whose length shows that the
name is whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from blocks.vps.labels import KEY, NAME, OURS, host_key_in

LONGEST = 255
"""What OpenStack's compute API takes as a server's name (its reference, "Create server")."""
_BETWEEN, _EQUALS = "~", "="
_MARK = f"{OURS[1]}{_BETWEEN}"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def name_of(labels: Mapping[str, str]) -> str:
    """Return the name that holds these labels, as `labels_of` makes them.

    Raises `ValueError` for labels that do not fit into one.
    """
    between = sorted(labels.keys() - {OURS[0], NAME, KEY})
    pairs = [f"{each}{_EQUALS}{labels[each]}" for each in (*between, KEY)]
    name = _MARK + _BETWEEN.join([labels[NAME], *pairs])
    if len(name) > LONGEST:
        message = f"its name with its tags has {len(name)} characters of {LONGEST}"
        raise ValueError(message)
    if not _are_words(*labels.keys(), *labels.values()):
        message = "its tags have characters other than letters, figures, '-', '.' and '_'"
        raise ValueError(message)
    return name


def labels_in(name: str) -> dict[str, str] | None:
    """Return the labels that a name holds; None for an instance that is not ours.

    Raises `ValueError` for a name with our mark that is not whole: it is never guessed.
    """
    if not name.startswith(_MARK):
        return None
    machine, *pairs = name.removeprefix(_MARK).split(_BETWEEN)
    split = [each.partition(_EQUALS) for each in pairs]
    labels = {OURS[0]: OURS[1], NAME: machine} | {key: value for key, _, value in split}
    once = len(labels) == len(pairs) + 2
    whole = bool(pairs) and split[-1][0] == KEY and bool(host_key_in(labels))
    if not (once and whole and _are_words(*labels.keys(), *labels.values())):
        message = f"its name begins like ours and cannot be read: {name}"
        raise ValueError(message)
    return labels


def _are_words(*texts: str) -> bool:
    return all(_WORD.fullmatch(each) for each in texts)
