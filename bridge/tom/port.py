"""The contract of a TOM that is written into: find what is there, write what is decided.

:mod:`bridge.receiving.decide` says what is to happen; an implementation of :class:`Tom` only does it and reports
truthfully. Two exist: over REST into an unchanged TOM (:mod:`bridge.tom.rest`), and in process over Django's ORM.
Whoever calls may be killed between any two steps and will then call again with the same arguments: every method that
writes is therefore safe to repeat, and what a killed call has already done counts as done by the repeated one
(the event says whose it was), not as a duplicate.

Errors of every method: :class:`~bridge.errors.TomAwayError` where the same call may succeed later (nothing may be
concluded from it), :class:`~bridge.errors.RejectedError` where the TOM refuses, or can't show what it has, for a reason
that lies in the event, in a row of the TOM or in the permissions of the account, and
:class:`~bridge.errors.BudgetSpentError` where the budget is spent: what was done then counts as done by the call that
is made again. A budget that is shorter than reading what is there takes gets nowhere: it has to grow.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, overload

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import RejectedError
from bridge.events import DataProduct, Datum, Datums, EventRef, Kind, Target, TargetType

FieldValue = float | str | None


@dataclass(frozen=True, kw_only=True)
class LocalTarget:
    """A target as this TOM has it."""

    pk: int
    name: str
    aliases: tuple[str, ...] = ()
    type: TargetType
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    """:data:`bridge.events.COORDINATE_FIELDS` by name; None (or "" for ``scheme``) where empty."""
    extras: Mapping[str, str] = field(default_factory=dict)
    chosen: bool = False
    """Whether a person said that this is the target which one of the names asked for means."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name, then the aliases."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, kw_only=True)
class Additions:
    """What a matching target lacks and is to be given; never anything that it has."""

    aliases: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, FieldValue] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.aliases or self.extras or self.fields)


class Provenance(NamedTuple):
    """Where something comes from, as a TOM can store it."""

    event: EventRef
    origin_name: str
    """Becomes ``source_name`` of a datum and ``shared_from`` of a target."""
    shared_by: str = ""
    topic: str = ""
    """The topic it came on: who is shown what arrives may depend on it."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a write did."""

    pk: int | None = None
    """The primary key of the target or product written, where there is one."""
    unverified: tuple[str, ...] = ()
    """What was asked for and can't be seen in the TOM afterwards, each with its reason, for people."""


@dataclass(frozen=True, kw_only=True)
class NewTarget:
    """A target that is to be created, and put in ``lists`` (handles)."""

    target: Target
    provenance: Provenance
    lists: tuple[str, ...] = ()


Creation = Written | RejectedError | None
"""What became of a target that was to be created; None: one that matches has appeared, decide anew."""


@dataclass(frozen=True, kw_only=True)
class ExistingDatum:
    """A reduced datum that the TOM has, as far as it is compared (:data:`bridge.tom.compare.RULES`)."""

    kind: Kind
    """Of the event that would carry it."""
    values: Mapping[str, Any]
    """By the field names of its kind in :mod:`bridge.events`; arrays are tuples."""
    hidden: frozenset[str] = frozenset()
    """Fields that exist but can't be seen."""
    source: str = ""
    """What its publisher had as its source (:func:`bridge.tom.reserved.source_of`); empty where that is not known."""


@dataclass(frozen=True, kw_only=True)
class NewDatum:
    """A datum that is to be written onto a target, its ``source_name`` and further values already decided."""

    target_pk: int
    datum: Datum
    provenance: Provenance
    number: int = 0
    """Its place among the datums of its event, from 0 on."""


@dataclass(frozen=True, kw_only=True)
class NewDatums(Sequence[NewDatum]):
    """Datums of one type that are to be written, of many events and targets: as columns, or one by one.

    Each of the sequences has one value a datum.
    """

    datums: Datums[Datum]
    targets: Sequence[int]
    provenances: Sequence[Provenance]
    numbers: Sequence[int]

    @classmethod
    def of(cls, datums: Sequence[NewDatum]) -> "NewDatums":
        """Return datums of one type, one at least, as columns."""
        return cls(
            datums=Datums(type(datums[0].datum), {}, [new.datum for new in datums]),
            targets=[new.target_pk for new in datums],
            provenances=[new.provenance for new in datums],
            numbers=[new.number for new in datums],
        )

    def __len__(self) -> int:
        return len(self.datums)

    @overload
    def __getitem__(self, index: int) -> NewDatum: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[NewDatum]: ...
    def __getitem__(self, index: int | slice) -> NewDatum | Sequence[NewDatum]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return NewDatum(
            target_pk=self.targets[index],
            datum=self.datums[index],
            provenance=self.provenances[index],
            number=self.numbers[index],
        )


class Fate(StrEnum):
    """What became of one datum, or product, that was to be written."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"
    UNVERIFIED = "unverified"
    REFUSED = "refused"


@dataclass(frozen=True)
class DatumResult:
    """The fate of one :class:`NewDatum`, and for ``refused`` and ``unverified`` the reason, for people."""

    fate: Fate
    reason: str = ""


NEW = DatumResult(Fate.NEW)
"""The result of nearly every one."""


@dataclass(frozen=True, kw_only=True)
class ProductResult:
    """The fate of one data product: ``new``, ``duplicate`` or ``conflicting``."""

    fate: Fate
    pk: int
    reason: str = ""
    """Why it conflicts, for people."""
    unverified: tuple[str, ...] = ()
    """What was asked for and can't be seen in the TOM afterwards, each with its reason, for people."""


@dataclass(frozen=True, kw_only=True)
class LocalProduct:
    """A data product as this TOM has it."""

    pk: int
    product_id: str
    target_pk: int
    filename: str
    sha256: str | None = None
    """None where the content can't be read."""


class Tom(Protocol):
    """One TOM that is written into. Not thread-safe."""

    identity: str
    """What tells this TOM from any other, as long as it lives: a ledger belongs to one identity."""

    def find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        """Return every target with a name or alias that matches any of ``names``, as far as the account may see.

        The rule is TOM Toolkit's (:func:`bridge.names.simplify`); in process the TOM's own match manager decides. The
        cost does not grow with the number of targets. Over REST the answer may be up to a minute old, never older than
        what this process wrote.
        """
        ...

    def find_each(self, wanted: Sequence[Sequence[str]], budget: Budget = NO_LIMIT) -> list[tuple[LocalTarget, ...]]:
        """Return for each of these sequences of names what :meth:`find` returns; one call where that is cheaper.

        RejectedError, where one of the targets can't be shown, says nothing of the others: then each is to be asked for
        alone.
        """
        found = []
        for names in wanted:
            budget.check()
            found.append(self.find(names))
        return found

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        """Return which of these simplified names the TOM has now; one cheap call for many names.

        Always as fresh as a new look can be: the caller asks seldom (once a minute).
        """
        ...

    def create_targets(self, new: Sequence[NewTarget], budget: Budget = NO_LIMIT) -> list[Creation]:
        """Create targets with their aliases and extras, put them in their lists, show them to the groups.

        Returns what became of each, in the same order: one that is refused never costs the others. None, where nothing
        was done because a target that matches has appeared meanwhile (or is one of ``new``): decide anew. Refused
        is also a name that a target has which the account may not see.
        """
        ...

    def began_creating(self, targets: Sequence[Target], provenance: Provenance) -> frozenset[str]:
        """Return the names of those of ``targets`` that a call for the same event began to create and did not end.

        Then :meth:`create_targets` has to be called once more although they are there by now: it completes them.
        """
        ...

    def add_to_target(self, pk: int, additions: Additions, provenance: Provenance) -> Written:
        """Give the target what it lacks. What it has by now is left as it is."""
        ...

    def list_names(self) -> frozenset[str] | None:
        """Return the names of all target lists; None where the account can't see them."""
        ...

    def open_list(self, name: str) -> str:
        """Return a handle for the target list ``name``, made where there is none.

        Over REST a list comes into being with its first member; the handle is the name.
        """
        ...

    def add_to_list(
        self, handle: str, pks: Sequence[int], provenance: Provenance, budget: Budget = NO_LIMIT
    ) -> list[Written | RejectedError]:
        """Put targets in a list and return what became of each, in the same order; those that are in it stay."""
        ...

    def datums(self, pk: int, wanted: Sequence[Datum]) -> tuple[ExistingDatum, ...]:
        """Return the target's datums of the kinds and timestamps of ``wanted`` (others may be among them)."""
        ...

    def add_datums(self, datums: Sequence[NewDatum], budget: Budget = NO_LIMIT) -> list[DatumResult]:
        """Write datums, and return the fate of each in the same order.

        Datums of several kinds, targets and events may come at once; of two equal ones the second is a duplicate. Those
        of one event are to come together, as they never conflict with each other. What is there is compared first
        (:mod:`bridge.tom.compare`). A datum that the TOM refuses never costs the others. Only ``TomAwayError`` is
        raised, and BudgetSpentError where the budget is spent in between: what was written then counts as written by
        the call that is made again.
        """
        ...

    def find_product(self, product_id: str) -> LocalProduct | None:
        """Return the data product of that id, or None."""
        ...

    def prepare_product(
        self, pk: int, product: DataProduct, product_id: str, provenance: Provenance, budget: Budget = NO_LIMIT
    ) -> None:
        """Do what of :meth:`add_product` must not be done within a transaction: a data processor may run for minutes.

        Called before the ledger's unit in which ``add_product`` follows with the same arguments. Does nothing where a
        product of that id is there, and nothing at all unless an implementation says otherwise. Raises RejectedError
        where the TOM's data processor fails; nothing of the product is left then. A processor is ended by a stop, not
        by the budget's deadline: it can't be taken up where it was.
        """
        del pk, product, product_id, provenance, budget

    def add_product(self, pk: int, product: DataProduct, product_id: str, provenance: Provenance) -> ProductResult:
        """Store a product onto target ``pk`` under ``product_id`` and, where ``product.process``, run the processor.

        Nothing is written where a product of that id is there: the same content on the same target is ``duplicate``,
        anything else ``conflicting``; unless it came from a call for the same event that did not end: then what is
        missing is done and it is ``new``. A file that the TOM can't process may be kept without that, which
        ``unverified`` says.
        """
        ...

    def probe(self, *, writing: bool) -> None:
        """Raise TomAwayError where a request that is known to be good fails now.

        A read, or with ``writing`` a write that changes nothing: who can't write may be able to read.
        """
        ...

    def close(self) -> None:
        """Release connections."""
        ...
