"""Target lists over REST: there is no endpoint of their own, but the filter form of the browsable API names them all.

A list is made by naming it in a target's ``target_lists``. Its members are seen with the filter
``targetlist__name=<id>``, and the form's choices tell which id a name has (any account that is logged in sees all).
"""

import html
import re
from collections.abc import Collection

from bridge.tom.rest.names import TARGETS
from bridge.tom.rest.session import RestSession

_SELECT = re.compile(r'<select[^>]*\bname="targetlist__name"[^>]*>(.*?)</select>', re.DOTALL)
_OPTION = re.compile(r'<option value="(\d+)"[^>]*>([^<]*)', re.DOTALL)
_MOST = 1000


class Lists:
    """The target lists of a TOM, read from its pages; remembered until :meth:`look`."""

    def __init__(self, session: RestSession) -> None:
        self._session = session
        self._ids: dict[str, list[int]] | None = None

    def look(self) -> dict[str, list[int]] | None:
        """Return the ids of all lists by name (a name may have several); None where the TOM doesn't show them."""
        answer = self._session.request("GET", TARGETS, params={"limit": 1}, accept="text/html")
        form = _SELECT.search(answer.text) if answer.status_code == 200 else None
        self._ids = None
        if form is not None:
            self._ids = {}
            for pk, name in _OPTION.findall(form.group(1)):
                self._ids.setdefault(html.unescape(name).strip(), []).append(int(pk))
        return self._ids

    def ids(self, name: str) -> list[int] | None:
        """Return the ids of the lists called ``name``; None where the TOM doesn't show them."""
        ids = self._ids if self._ids and name in self._ids else self.look()
        return None if ids is None else ids.get(name, [])

    def members(self, list_id: int, *, name: str | None = None) -> set[int] | None:
        """Return the targets of a list (those whose name contains ``name``); None where the TOM doesn't show them."""
        found: set[int] = set()
        while True:
            asked = {"targetlist__name": list_id, "limit": _MOST, "offset": len(found), "name": name}
            answer = self._session.request("GET", TARGETS, params=asked)
            if answer.status_code != 200:
                return None
            page = answer.json()
            found |= {shown["id"] for shown in page["results"]}
            if not page["results"] or len(found) >= page["count"]:
                return found

    def missing(self, name: str, pks: Collection[int], *, target_name: str | None = None) -> set[int] | None:
        """Return which of ``pks`` are not in the list ``name``; None where that can't be seen."""
        ids = self.ids(name)
        if ids is None:
            return None
        if not ids:
            return set(pks)
        members = self.members(ids[0], name=target_name)
        if members is None and (ids := (self.look() or {}).get(name)):  # removed and made again meanwhile
            members = self.members(ids[0], name=target_name)
        return None if members is None else set(pks) - members
