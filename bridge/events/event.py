"""The envelope of a share, and an event: the envelope with one body."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeVar, get_args
from uuid import UUID

from pydantic import BaseModel, FailFast, Field, StringConstraints, ValidationError

from bridge.errors import InvalidEventError
from bridge.events.datums import DATUMS, DataBody
from bridge.events.fields import Kind, Model, Utc, text, uuid7
from bridge.events.product import DataProduct
from bridge.events.targets import Target, TargetList
from bridge.names import simplify

Body = Target | TargetList | DataBody | DataProduct
Part = TypeVar("Part", bound=Model)

_BODIES = frozenset(get_args(Body))

_LONGEST_PATH = 120
"""Characters of the path to a wrong field that are told: free values may be nested deeply."""


class EventRef(NamedTuple):
    """What tells an event from any other: an id means nothing without who made it."""

    origin: str
    id: UUID

    def __str__(self) -> str:
        return f"event {self.id}"


class ShareRef(NamedTuple):
    """What tells a share from any other."""

    origin: str
    id: UUID


LONGEST_MESSAGE, LONGEST_ACKNOWLEDGEMENT, LONGEST_REFERENCE = 10_000, 2_000, 500
"""Characters of what a person says of a share."""
MAX_REFERENCES = 50


class Share(Model):
    """What a person does: the part of the envelope that all events of one share have in common."""

    share_id: UUID = Field(default_factory=uuid7)
    origin: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
    """The permanent id of the TOM that publishes."""
    origin_name: text(100, 1)  # type: ignore[valid-type]
    """Its display name, which may change."""
    installation: UUID
    """Made at the first start of the publishing installation; tells two TOMs that use one origin."""
    shared_by: text(150) = ""  # type: ignore[valid-type]
    """Who shared."""
    shared_at: Utc = Field(default_factory=lambda: datetime.now(UTC))
    title: text(500) = ""  # type: ignore[valid-type]
    message: text(LONGEST_MESSAGE) = ""  # type: ignore[valid-type]
    acknowledgement: text(LONGEST_ACKNOWLEDGEMENT) = ""  # type: ignore[valid-type]
    references: Annotated[
        tuple[text(LONGEST_REFERENCE), ...],  # type: ignore[valid-type]
        FailFast(),
        Field(max_length=MAX_REFERENCES),
    ] = ()

    @property
    def share_ref(self) -> ShareRef:
        """What tells this share from any other."""
        return ShareRef(self.origin, self.share_id)

    def event(self, body: Body) -> "Event":
        """Return a new event of this share with ``body``."""
        if self.was_changed or type(body) not in _BODIES:
            return Event(**{name: getattr(self, name) for name in Share.model_fields}, body=body)
        return Event.of_checked(vars(self) | {"id": uuid7(), "replaces": None, "body": body})


class Event(Share):
    """One event: the envelope and one body."""

    id: UUID = Field(default_factory=uuid7)
    replaces: UUID | None = None
    """Reserved: the event that this one takes the place of."""
    body: Body = Field(discriminator="kind")

    @property
    def ref(self) -> EventRef:
        """What tells this event from any other."""
        return EventRef(self.origin, self.id)

    @property
    def kind(self) -> Kind:
        """The kind of the body."""
        return self.body.kind

    @property
    def subject(self) -> str:
        """The name of the target, or of the list, that this event is about."""
        return self.body.subject

    @property
    def names(self) -> tuple[str, ...]:
        """All names of all targets that this event is about; for a list its own name first."""
        return self.body.names

    @property
    def key(self) -> bytes:
        """What keeps its order: events of one key reach every TOM in the order in which they were published.

        The origin and the simplified target name; for a list the list's simplified name, marked as such.
        """
        marker = "list:" if self.kind is Kind.LIST else ""
        return f"{self.origin}/{marker}{simplify(self.subject)}".encode()

    def checked_again(self) -> "Event":
        """Return this event, validated anew unless nothing of it can have changed since it was made.

        What can: copies with other values (``model_copy``), and the dictionaries in it. Raises as :meth:`checked`.
        """
        body: Any = self.body
        if type(body) in DATUMS and not self.was_changed and body.is_as_checked:
            return self
        return Event.checked(self.model_dump(warnings=False))

    def as_json(self) -> bytes:
        """Return this event as JSON, which :meth:`checked` reads.

        Body and envelope are written one after the other: of a union with a discriminator, as the body is one, pydantic
        makes a dictionary first and writes that, which takes as long again.
        """
        envelope, body = self.model_dump_json(exclude={"body"}), self.body.model_dump_json()
        return f'{envelope[:-1]},"body":{body}}}'.encode()

    @classmethod
    def checked(cls, data: Any, *, where: str = "") -> "Event":
        """Return ``data`` (a dictionary, or JSON as ``str`` or ``bytes``) as an event.

        Raises :class:`~bridge.errors.InvalidEventError`, which names the event, each wrong field (``points[3].ra``)
        and what would be right. ``where`` is put in front: a position in a stream, or a line of a file.
        """
        try:
            return cls.model_validate_json(data) if isinstance(data, str | bytes) else cls.model_validate(data)
        except ValidationError as error:
            raise InvalidEventError(_in_words(error), where=_identity(data, where)) from None
        except (OverflowError, RecursionError) as error:
            raise InvalidEventError(f"the event {_too_much(error)}", where=_identity(data, where)) from None


def checked_part(model: type[Part], data: Mapping[str, Any], *, where: str) -> Part:
    """Return ``data`` as a part of an event, a datum or a target; raise as :meth:`Event.checked` does."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidEventError(_in_words(error), where=where) from None
    except (OverflowError, RecursionError) as error:
        raise InvalidEventError(_too_much(error), where=where) from None


def _identity(data: Any, where: str) -> str:
    identity = f"event {str(data.get('id'))[:40]}" if isinstance(data, dict) and data.get("id") else "event"
    return f"{where}: {identity}" if where else identity


def _too_much(error: OverflowError | RecursionError) -> str:
    return "is nested too deeply" if isinstance(error, RecursionError) else f"has a number too large ({error})"


def _in_words(error: ValidationError) -> str:
    """Return ``error`` as one line for people."""
    found = error.errors(include_url=False)
    problems = [one for one in found if not _follows(one, found)]
    told = "; ".join(f"{_path(problem['loc'])}{_problem(problem)}" for problem in problems[:3])
    if len(problems) > 3:
        told += f"; and {len(problems) - 3} more"
    return told


def _follows(problem: Any, found: Sequence[Any]) -> bool:
    """Return whether a tuple is only too short because what is in it is wrong."""
    if problem["type"] != "too_short":
        return False
    at = problem["loc"]
    return any(len(other["loc"]) > len(at) and other["loc"][: len(at)] == at for other in found)


def _path(location: tuple[int | str, ...]) -> str:
    # The body's kind stands behind "body", as the one of several models that was tried.
    parts = (*location[:1], *location[2:]) if location[:1] == ("body",) else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    return f"{text.removeprefix('body.')[:_LONGEST_PATH]}: " if text else ""


def _problem(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    given = problem.get("input")
    if problem["type"] == "value_error" or isinstance(given, dict | list | bytes | BaseModel):
        return message
    return f"{message} (it is {str(given)[:60]!r})"
