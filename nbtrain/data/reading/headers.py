"""Names for columns that have none, or share one."""

from __future__ import annotations

from collections.abc import Sequence

#: Names that tables need for themselves.
_RESERVED = {"__row__", "file_row_number"}


def unique_names(given: Sequence[str]) -> list[str]:
    """Names for columns: none empty, none reserved, no two alike but for case: ``a``, ``a_2``, ``column_3``."""
    taken = set(_RESERVED) | {name.strip().lower() for name in given}
    used: set[str] = set(_RESERVED)
    names = []
    for number, raw in enumerate(given, 1):
        name = raw.strip().replace("\0", "") or f"column_{number}"
        if name.lower() in used or (not raw.strip() and name.lower() in taken):
            count = 2
            while f"{name}_{count}".lower() in taken | used:
                count += 1
            name = f"{name}_{count}"
        used.add(name.lower())
        names.append(name)
    return names
