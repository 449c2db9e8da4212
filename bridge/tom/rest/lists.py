"""Target lists over REST: there is no endpoint of their own, but the filter form of the browsable API names them all.

A list is made by naming it in a target's ``target_lists``. Its members are seen with the filter
``targetlist__name=<id>``, and the form's choices tell which id a name has (any account that is logged in sees all).
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from bridge.errors import RejectedError
from bridge.names import toolkit_rule
from bridge.tom.rest.session import Answer, Request, RestSession
from bridge.tom.rest.shown import TARGETS
from bridge.tom.rest.words import words

_SELECT = re.compile(r'<select[^>]*\bname="targetlist__name"[^>]*>(.*?)</select>', re.DOTALL)
_OPTION = re.compile(r'<option value="(\d+)"[^>]*>([^<]*)', re.DOTALL)
_MOST = 1000
_LONGEST_QUERY = 1500
"""Characters of a query for names: web servers take lines of 4,094 (gunicorn) or 8,000 (nginx)."""
_MAY_NOT_CHANGE = "Give the account, or one of its groups, permission to change the target"

Joined = str | RejectedError | None
"""What became of one that was to join a list: nothing to say, what can't be seen (for people), or why it is not in."""


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

    def join(self, name: str, targets: Mapping[int, str], *, already_asked: bool = False) -> dict[int, Joined]:
        """Put targets (names by primary key) in a list; return what became of each.

        ``already_asked``: they were put in when they were made, so look first.
        """
        ids = self.ids(name)
        if ids is not None and len(ids) > 1:
            told = f"list {name}: the TOM has {len(ids)} of that name and refuses both; rename one"
            return dict.fromkeys(targets, told)
        outside = self._outside(name, targets)
        to_ask = [pk for pk in targets if outside is None or pk in outside]
        if outside is None and already_asked:
            to_ask = []
        refused = self._ask(name, to_ask, targets, alone_first=not ids)
        if to_ask and outside is not None:
            outside = self._outside(name, {pk: targets[pk] for pk in to_ask})
        joined: dict[int, Joined] = {}
        for pk, target in targets.items():
            if outside is None:
                joined[pk] = refused.get(pk, f"list {name}: {target}: membership can't be seen by this account")
            elif pk in outside:
                joined[pk] = refused.get(pk, f"list {name}: {target} is not in it, and the TOM gives no reason")
            else:
                joined[pk] = None
        return joined

    def _ask(
        self, name: str, pks: list[int], targets: Mapping[int, str], *, alone_first: bool
    ) -> dict[int, RejectedError]:
        """Ask for membership of each; return why the TOM refuses it."""
        asked = [Request("PATCH", f"{TARGETS}{pk}/", json={"target_lists": [{"name": name}]}) for pk in pks]
        # The first makes the list: several at once would make several.
        first = 1 if alone_first else 0
        answers = [*map(self._session.request_each, [asked[:first], asked[first:]])]
        return {
            pk: self._refused(name, pk, targets[pk], answer)
            for pk, answer in zip(pks, [one for each in answers for one in each], strict=True)
            if answer.status_code != 200
        }

    def _refused(self, name: str, pk: int, target: str, answer: Answer) -> RejectedError:
        where = f"list {name}: {target}"
        if answer.status_code not in {403, 404}:
            return RejectedError(f"the TOM does not take it in ({words(answer)})", where=where)
        if self._session.request("GET", f"{TARGETS}{pk}/").status_code == 404:
            return RejectedError("the target is gone", where=where, mend="It is decided anew")
        return RejectedError(
            f"the account may not change the target ({words(answer)})", where=where, mend=_MAY_NOT_CHANGE
        )

    def _outside(self, name: str, targets: Mapping[int, str]) -> set[int] | None:
        """Return which of ``targets`` are not in the list ``name``; None where that can't be seen."""
        ids = self.ids(name)
        if ids is None:
            return None
        if not ids:
            return set(targets)
        members = self._members(ids[0], targets.values())
        if members is None and (ids := (self.look() or {}).get(name)):  # removed and made again meanwhile
            members = self._members(ids[0], targets.values())
        return None if members is None else set(targets) - members

    def _members(self, list_id: int, names: Iterable[str]) -> set[int] | None:
        """Return the targets of a list among those with these names; None where the TOM doesn't show them."""
        wanted = list(names)
        searches = [None] if any(not _piece(name) for name in wanted) else text_searches(wanted)
        try:
            return {
                shown["id"]
                for asked in searches
                for shown in self._session.pages(TARGETS, _MOST, targetlist__name=list_id, name=asked)
            }
        except RejectedError:
            return None


def text_searches(names: Iterable[str]) -> Iterator[str]:
    """Yield what the TOM's filter by ``name`` is to be asked for so that it finds all targets with these names.

    The filter splits at commas and finds what contains a piece, in name or alias.
    """
    pieces = sorted({_piece(name) for name in names} - {""})
    together: list[str] = []
    length = 0
    for piece in pieces:
        takes = len(quote(piece)) + 3
        if together and length + takes > _LONGEST_QUERY:
            yield ",".join(together)
            together, length = [], 0
        together.append(piece)
        length += takes
    if together:
        yield ",".join(together)


def _piece(name: str) -> str:
    """Return a piece of ``name`` to search for; nothing where each would find everything."""
    piece = max(name.split(","), key=len).strip()
    return piece if toolkit_rule(piece) else ""
