"""What the ledger keeps, as lines for one person: the one place where its details become words on a page.

Messages are made when they are shown, of targets that the person may see. A target that is gone counts as one that may
not be seen: nobody knows any more who might have seen it.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS

from bridge.events import Kind, ShareRef
from bridge.ledger.port import Entry, ShareWords
from bridge.operations.records import Line, line
from bridge.tomtoolkit.ledger import words
from bridge.tomtoolkit.permissions import Hidden


class Telling:
    """Tells ``user`` what became of events. For one page: it remembers."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._hidden = Hidden(user)

    def line(
        self, entry: Entry, detail: Mapping[str, object] | None = None, *, names: Collection[str] | None
    ) -> Line | None:
        """Return what became of an event, or of one thing (``detail``) of it that is parked or dead.

        ``names`` are all under which targets are told of beside the entry's subject; None where nobody can say any
        more. None where any target that it is about may not be seen, or can't be told.
        """
        told = line(entry) if detail is None else line(entry, detail)
        if names is None:
            return told if self._user.is_superuser else None
        if self._hidden.targets(targets_in(told.detail)) or self._hidden({entry.subject, *names}):
            return None
        return told

    def of_target(self, entry: Entry) -> Line:
        """Return what became of an event that is of a target which the user may see.

        Without the particulars where these are about other targets that may not be seen, as those of a list are about
        all of its members, or about a file that has permissions of its own.
        """
        told = line(entry)
        own_permissions = entry.kind == Kind.DATA_PRODUCT and not settings.TARGET_PERMISSIONS_ONLY
        of_others = entry.kind == Kind.LIST or self._hidden.targets(targets_in(told.detail))
        if of_others or (own_permissions and not self._user.is_superuser):
            return replace(told, message="")
        return told

    def words_of_target(self, shares: Collection[ShareRef]) -> dict[ShareRef, ShareWords]:
        """Return what was said of shares of which an event is of a target which the user may see.

        Like its title it is the sender's word to all who receive the share, and nothing that this TOM knows: who may
        see one of its targets may read it.
        """
        return words.found(DEFAULT_DB_ALIAS, shares)


def targets_in(detail: object) -> set[int]:
    """Return the primary keys of all targets that a detail tells of."""
    return set(_targets_in(detail))


def _targets_in(detail: object) -> Iterator[int]:
    if isinstance(detail, Mapping):
        for name, value in detail.items():
            if name == "target" and isinstance(value, Mapping):
                yield from _keys([value])
            elif name == "candidates" and isinstance(value, list | tuple):
                yield from _keys(value)
            else:
                yield from _targets_in(value)
    elif isinstance(detail, list | tuple):
        for each in detail:
            yield from _targets_in(each)


def _keys(rows: Collection[object]) -> Iterator[int]:
    for row in rows:
        if isinstance(row, Mapping) and isinstance(row.get("pk"), int):
            yield row["pk"]
