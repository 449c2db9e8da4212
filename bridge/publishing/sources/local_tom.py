"""What the local TOM holds, read over REST: targets, lists and reduced datums as bodies of events.

TOM Toolkit's API does not show all: from 3.1 on it leaves limits, exposure times, reduction versions and extra values
out of a datum. And what a TOM got from elsewhere looks almost like its own. What can't be read in full, or can't be
proven to be the TOM's own, is left out and told (:class:`Reading`), never passed over.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from bridge.events import KINDS, MAX_MEMBERS, Datum, Kind, ListMember, Target, TargetList
from bridge.names import grouped_otherwise, simplify, simplify_all
from bridge.publishing.sources.errors import SourceError
from bridge.tom.rest.lacking import local_target
from bridge.tom.rest.lists import Lists
from bridge.tom.rest.session import RestSession
from bridge.tom.rest.shown import TARGETS, names_of
from bridge.tom.values import WORDS, fields_of, kind_of

_DATUMS = "/api/reduceddatums/"
_PRODUCTS = "/api/dataproducts/"
_PAGE = 500
_NOT_SHOWN = {
    Kind.PHOTOMETRY: "limits, exposure times, reduction versions and extra values of photometry",
    Kind.SPECTROSCOPY: "set-ups, exposure times, reduction versions and extra values of spectra",
    Kind.ASTROMETRY: "reduction versions and extra values of astrometry",
    Kind.REDUCED_DATUM: "telescopes, instruments and reduction versions of other datums",
}
"""What TOM Toolkit's API does not show, from 3.1 on."""
_WHAT = {
    Kind.PHOTOMETRY: "points",
    Kind.SPECTROSCOPY: "spectra",
    Kind.ASTROMETRY: "positions",
    Kind.REDUCED_DATUM: "other datums",
}

Shown = Mapping[str, Any]


def _telling(datum: Shown) -> str:
    """Return what tells a datum from others: all that the API shows of it, as it shows no key."""
    return json.dumps({name: value for name, value in datum.items() if name != "data_product"}, sort_keys=True)


@dataclass
class Reading:
    """What was left out while reading, and why: for people."""

    left_out: Counter[str] = field(default_factory=Counter)
    """How many things were left out, by what and why."""
    not_shown: set[str] = field(default_factory=set)
    """What is missing in what is shared, because the API does not show it."""

    def lines(self) -> list[str]:
        """Return all of it, a line each."""
        counted = [f"left out: {count} {why}" for why, count in sorted(self.left_out.items())]
        return [
            *counted,
            *(f"not shared: {what}: TOM Toolkit's API does not show them" for what in sorted(self.not_shown)),
        ]


class LocalTom:
    """Reads from one TOM, as far as the account may see.

    ``own_sources`` are the names by which this TOM's own data and targets are known: its display name, and what its
    people say is theirs. ``received_products`` are the ids of data products that the bridge has written: what the TOM's
    processor made of them bears no sign of that.
    """

    def __init__(
        self, session: RestSession, own_sources: Collection[str], received_products: Collection[str] = ()
    ) -> None:
        self._session = session
        self._received_products = frozenset(received_products)
        self._own = {simplify(name) for name in own_sources} | {""}

    # -- targets --------------------------------------------------------------------------------------------------

    def find(self, name: str) -> Shown:
        """Return the one target with this name or alias.

        Raises SourceError where there is none, where there are several, or where its digits are grouped otherwise.
        """
        found = {
            shown["id"]: shown
            # One exact after simplification (which loads all targets in the TOM, once), else by text.
            for asked in ({"name_fuzzy": name}, {"name": max(name.split(","), key=len).strip()})
            for shown in self._pages(TARGETS, **asked)
            if simplify(name) in simplify_all(names_of(shown))
        }
        where = f"target {name!r}"
        if len(found) == 1:
            (shown,) = found.values()
            if pair := grouped_otherwise([name], names_of(shown)):
                raise SourceError(
                    f"the TOM has {pair[1]!r}, whose digits are grouped otherwise",
                    where=where,
                    mend="Write the name as the TOM does, if that is the one",
                )
            return shown
        if not found:
            raise SourceError(
                f"the TOM at {self._session.base_url} has no such target that the account may see",
                where=where,
                mend="Look at the name, or share without asking the TOM (--without-tom, for tables and files)",
            )
        names = ", ".join(sorted(shown["name"] for shown in found.values()))
        raise SourceError("several targets have this name", where=where, mend=f"Name one by its own name: {names}")

    def target(self, shown: Shown) -> Target:
        """Return a target as the API shows it, in full. Raises SourceError where it is not valid."""
        return target_body(shown)

    def own_target(self, shown: Shown, reading: Reading) -> Target | None:
        """Return a target, or None (and tell) where it came from another TOM."""
        source = str(shown.get("shared_from") or "")
        if simplify(source) in self._own:
            return self.target(shown)
        reading.left_out[f"targets that came from {source!r} (theirs to share; or say --own-source)"] += 1
        return None

    # -- lists ----------------------------------------------------------------------------------------------------

    def target_lists(self, name: str, *, with_targets: bool, reading: Reading) -> list[TargetList]:
        """Return the list of that name, in several of the name where it has more members than one event may have.

        Raises SourceError where there is none, where several have the name, or where the TOM doesn't show lists.
        """
        where = f"list {name!r}"
        ids = Lists(self._session).ids(name)
        if ids is None:
            raise SourceError("the TOM does not show its lists", where=where, mend="See 'tom-bridge doctor'")
        if len(ids) != 1:
            what = "several lists have this name" if ids else "the TOM has no list of this name"
            raise SourceError(what, where=where, mend="Give the list a name of its own" if ids else "Look at the name")
        members = [
            ListMember(
                reference=self.target(shown).reference,
                target=self.own_target(shown, reading) if with_targets else None,
            )
            for shown in self._pages(TARGETS, targetlist__name=ids[0])
        ]
        if not members:
            raise SourceError("the list has no targets that the account may see", where=where)
        try:
            return [
                TargetList(name=name, members=tuple(members[first : first + MAX_MEMBERS]))
                for first in range(0, len(members), MAX_MEMBERS)
            ]
        except ValidationError as error:
            what = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            raise SourceError(what, where=where, mend="Correct it in the TOM") from None

    # -- datums ---------------------------------------------------------------------------------------------------

    def datums(self, pk: int, reading: Reading) -> list[Datum]:
        """Return the TOM's own reduced datums of a target, of all kinds, oldest first; what can't be shared is told."""
        received = self._of_received_products(pk)
        found = [
            datum
            for shown in self._pages(_DATUMS, target__id=pk)
            if (datum := self._datum(shown, received, reading)) is not None
        ]
        if self._session.toolkit.typed_datums:
            reading.not_shown |= {_NOT_SHOWN[KINDS[type(datum)]] for datum in found}
        return sorted(found, key=lambda datum: datum.timestamp)

    def _of_received_products(self, pk: int) -> set[str]:
        """Return what tells the datums of a target that a received data product has brought."""
        if not self._received_products:
            return set()
        return {
            _telling(datum)
            for product in self._pages(_PRODUCTS)
            if product["target"] == pk and product["product_id"] in self._received_products
            for datum in self._pages(_DATUMS, data_product__id=product["id"])
        }

    def _datum(self, shown: Shown, received: Collection[str], reading: Reading) -> Datum | None:
        source = str(shown.get("source_name") or "")
        typed = self._session.toolkit.typed_datums
        kind = kind_of(shown)
        if received and _telling(shown) in received:
            reading.left_out[f"{_WHAT[kind]} of data products that were received (theirs to share)"] += 1
            return None
        if simplify(source) not in self._own:
            reading.left_out[
                f"{_WHAT[kind]} from {source!r}, not proven to be this TOM's own (say --own-source if so)"
            ] += 1
            return None
        fields = fields_of(shown, typed=typed)
        if fields is None:
            reading.left_out[f"datums of type {shown.get('data_type')!r} whose value is no dictionary"] += 1
            return None
        if kind is Kind.PHOTOMETRY and fields.get("brightness") is None and fields.get("limit") is None:
            why = " (limits: TOM Toolkit's API does not show them; share them from a table)" if typed else ""
            reading.left_out[f"points without brightness{why}"] += 1
            return None
        try:
            return WORDS[kind].datum.model_validate(fields)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            at = ".".join(str(part) for part in problem["loc"])
            reading.left_out[f"{_WHAT[kind]} whose {at or 'values'} can't be shared: {problem['msg']}"] += 1
            return None

    def _pages(self, path: str, **asked: Any) -> Iterator[Shown]:
        offset = 0
        while True:
            page = self._session.get(path, **asked, limit=_PAGE, offset=offset)
            yield from page["results"]
            offset += len(page["results"])
            if not page["results"] or offset >= page["count"]:
                return


def target_body(shown: Shown) -> Target:
    """Return a target as TOM Toolkit's API writes it, in full. Raises SourceError where it is not valid."""
    local = local_target(shown)
    fields = {name: value for name, value in local.fields.items() if value is not None}
    try:
        return Target.model_validate(
            {**fields, "name": local.name, "aliases": local.aliases, "type": local.type, "extras": local.extras}
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        at = ".".join(str(part) for part in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        raise SourceError(
            f"{at}: {message}" if at else message, where=f"target {local.name!r}", mend="Correct it in the TOM"
        ) from None
