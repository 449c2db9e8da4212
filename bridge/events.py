"""What is shared, and what is valid: events as people and TOMs mean them.

An :class:`Event` is the envelope of one share plus one body: a :class:`Target`, a :class:`TargetList`,
:class:`Photometry` or a :class:`DataProduct`. This module knows no bytes, no Kafka and no Django. Lengths are those of
the columns in TOM Toolkit 3.1's models, so that what is valid here fits there.
"""

import hashlib
import json
import re
import secrets
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    FiniteFloat,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from bridge.errors import InvalidEventError
from bridge.names import simplify

MAX_POINTS = 50_000
MAX_MEMBERS = 20_000
MAX_ALIASES = 200
MAX_EXTRAS = 500
MAX_EXTRA_CHARACTERS = 65_536
MAX_PRODUCT_BYTES = 8 * 1024 * 1024

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_PATH_SEPARATORS = re.compile(r"[/\\]")


def uuid7() -> UUID:
    """Return a new UUID of version 7: 48 bits of Unix time in milliseconds, then random bits (RFC 9562, 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds << 80) | secrets.randbits(80)
    bits = bits & ~(0xF << 76) | (0x7 << 76)
    bits = bits & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=bits)


def _plain(text: str) -> str:
    if found := _FORBIDDEN.search(text):
        raise ValueError(f"has the control character {found.group()!r} at {found.start()}; remove it")
    return text


def _to_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _file_name(name: str) -> str:
    if _PATH_SEPARATORS.search(name) or name in {".", ".."}:
        raise ValueError(f"{name!r} is a path; a plain file name without '/' and '\\' is needed")
    return name


def _bounded_json(extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
    text = json.dumps(extra)
    if len(text) > MAX_EXTRA_CHARACTERS:
        raise ValueError(f"takes {len(text)} characters as JSON; {MAX_EXTRA_CHARACTERS} are the most")
    if _ESCAPED_NUL.search(text):
        raise ValueError("holds a NUL character; remove it")
    return extra


def text(longest: int, shortest: int = 0) -> Any:
    """Return a type of text of ``shortest`` to ``longest`` characters, none of them a control character."""
    return Annotated[str, StringConstraints(min_length=shortest, max_length=longest), AfterValidator(_plain)]


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(_plain),
]
# The first wrong one is told, not all: millions fit in a data product, and an error of each would fill the memory.
Aliases = Annotated[tuple[Name, ...], FailFast(), Field(max_length=MAX_ALIASES)]
Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]
RightAscension = Annotated[FiniteFloat, Field(ge=0, le=360)]
Declination = Annotated[FiniteFloat, Field(ge=-90, le=90)]
Extra = Annotated[dict[str, JsonValue], AfterValidator(_bounded_json)]


class Model(BaseModel):
    """The base of all parts of an event: frozen, and closed to fields that it doesn't know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64", allow_inf_nan=False
    )


class Kind(StrEnum):
    """The kinds of events, by the words of the command line."""

    TARGET = "target"
    LIST = "list"
    PHOTOMETRY = "photometry"
    DATA_PRODUCT = "data-product"


class TargetType(StrEnum):
    """TOM Toolkit's two types of targets."""

    SIDEREAL = "SIDEREAL"
    NON_SIDEREAL = "NON_SIDEREAL"


class TargetReference(Model):
    """By what a receiver finds its own target, and checks that it is the same one."""

    name: Name
    aliases: Aliases = ()
    type: TargetType | None = None
    ra: RightAscension | None = None
    """Right ascension in degrees (ICRS), at ``epoch`` where the target moves."""
    dec: Declination | None = None
    """Declination in degrees (ICRS), at ``epoch`` where the target moves."""
    epoch: FiniteFloat | None = None
    """Epoch of the position, in Julian years."""

    @property
    def names(self) -> tuple[str, ...]:
        """The name, then the aliases."""
        return (self.name, *self.aliases)


REQUIRED_ELEMENTS = (
    "scheme",
    "epoch_of_elements",
    "inclination",
    "lng_asc_node",
    "arg_of_perihelion",
    "eccentricity",
)
"""What TOM Toolkit wants of each non-sidereal target (``tom_targets.base_models.REQUIRED_NON_SIDEREAL_FIELDS``)."""
REQUIRED_ELEMENTS_BY_SCHEME = {
    "MPC_COMET": ("perihdist", "epoch_of_perihelion"),
    "MPC_MINOR_PLANET": ("mean_anomaly", "semimajor_axis"),
    "JPL_MAJOR_PLANET": ("mean_daily_motion", "mean_anomaly", "semimajor_axis"),
}
"""What it wants in addition for each scheme of orbital elements (``REQUIRED_NON_SIDEREAL_FIELDS_PER_SCHEME``)."""


class Target(Model):
    """A target with every field of TOM Toolkit 3.1's ``BaseTarget`` that may travel."""

    kind: Literal[Kind.TARGET] = Kind.TARGET
    name: Name
    aliases: Aliases = ()
    type: TargetType
    ra: RightAscension | None = None
    """Right ascension, degrees."""
    dec: Declination | None = None
    """Declination, degrees."""
    epoch: FiniteFloat | None = None
    """Julian years."""
    parallax: FiniteFloat | None = None
    """Milliarcseconds."""
    pm_ra: FiniteFloat | None = None
    """Proper motion in right ascension (times cos dec), milliarcseconds a year."""
    pm_dec: FiniteFloat | None = None
    """Proper motion in declination, milliarcseconds a year."""
    galactic_lng: FiniteFloat | None = None
    """Galactic longitude, degrees."""
    galactic_lat: FiniteFloat | None = None
    """Galactic latitude, degrees."""
    distance: FiniteFloat | None = None
    """Parsecs."""
    distance_err: FiniteFloat | None = None
    """Parsecs."""
    scheme: Literal["", "MPC_MINOR_PLANET", "MPC_COMET", "JPL_MAJOR_PLANET"] = ""
    """The scheme of the orbital elements."""
    epoch_of_elements: FiniteFloat | None = None
    """Modified Julian date."""
    mean_anomaly: FiniteFloat | None = None
    """Degrees."""
    arg_of_perihelion: FiniteFloat | None = None
    """Argument of perihelion, J2000, degrees."""
    eccentricity: FiniteFloat | None = None
    lng_asc_node: FiniteFloat | None = None
    """Longitude of the ascending node, J2000, degrees."""
    inclination: FiniteFloat | None = None
    """Inclination to the ecliptic, J2000, degrees."""
    mean_daily_motion: FiniteFloat | None = None
    """Degrees a day."""
    semimajor_axis: FiniteFloat | None = None
    """Astronomical units."""
    epoch_of_perihelion: FiniteFloat | None = None
    """Modified Julian date."""
    ephemeris_period: FiniteFloat | None = None
    """Days."""
    ephemeris_period_err: FiniteFloat | None = None
    """Days."""
    ephemeris_epoch: FiniteFloat | None = None
    """Days."""
    ephemeris_epoch_err: FiniteFloat | None = None
    """Days."""
    perihdist: FiniteFloat | None = None
    """Perihelion distance, astronomical units."""
    abs_mag: FiniteFloat | None = None
    """Absolute magnitude H or m1, magnitudes."""
    slope: FiniteFloat | None = None
    """Slope parameter G or k1, magnitudes."""
    extras: dict[text(200, 1), text(10_000)] = Field(default={}, max_length=MAX_EXTRAS)  # type: ignore[valid-type]
    """Target extras: key and value, both as TOM Toolkit stores them (text)."""

    @model_validator(mode="after")
    def _has_a_place(self) -> Self:
        if self.type is TargetType.SIDEREAL:
            required: tuple[str, ...] = ("ra", "dec")
        else:
            required = REQUIRED_ELEMENTS + REQUIRED_ELEMENTS_BY_SCHEME.get(self.scheme, ())
        if missing := [field for field in required if getattr(self, field) in (None, "")]:
            raise ValueError(f"a {self.type} target needs {', '.join(missing)}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The name, then the aliases."""
        return (self.name, *self.aliases)

    @property
    def reference(self) -> TargetReference:
        """What data of this target refer to it by."""
        return TargetReference(
            name=self.name, aliases=self.aliases, type=self.type, ra=self.ra, dec=self.dec, epoch=self.epoch
        )


COORDINATE_FIELDS = tuple(
    name for name in Target.model_fields if name not in {"kind", "name", "aliases", "type", "extras"}
)
"""The fields of a target beside its names, type and extras, in TOM Toolkit's own names."""


class ListMember(Model):
    """A member of a shared list: always a reference, with the full target where the targets are shared too."""

    reference: TargetReference
    target: Target | None = None


class TargetList(Model):
    """A named list of targets."""

    kind: Literal[Kind.LIST] = Kind.LIST
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(_plain)]
    members: tuple[ListMember, ...] = Field(default=(), max_length=MAX_MEMBERS)


class Point(Model):
    """One photometric point, with every field of TOM Toolkit 3.1's ``PhotometryReducedDatum``.

    It has a brightness or a limit; 0.0 is a value.
    """

    timestamp: Utc
    bandpass: text(32, 1)  # type: ignore[valid-type]
    brightness: FiniteFloat | None = None
    """In ``unit`` (magnitudes where it is empty)."""
    brightness_error: FiniteFloat | None = None
    """In ``unit`` (magnitudes where it is empty)."""
    limit: FiniteFloat | None = None
    """The upper limit, in ``unit`` (magnitudes where it is empty)."""
    unit: text(32) = ""  # type: ignore[valid-type]
    exposure_time: FiniteFloat | None = None
    """Seconds."""
    telescope: text(255) = ""  # type: ignore[valid-type]
    instrument: text(255) = ""  # type: ignore[valid-type]
    reduction_version: text(50) = ""  # type: ignore[valid-type]
    source_name: text(100) = ""  # type: ignore[valid-type]
    """Where the publishing TOM had it from."""
    source_location: text(200) = ""  # type: ignore[valid-type]
    extra: Extra = {}
    """Further values, as JSON."""

    @model_validator(mode="after")
    def _has_a_value(self) -> Self:
        if self.brightness is None and self.limit is None:
            raise ValueError("a point needs a brightness or a limit")
        return self


class Photometry(Model):
    """Photometric points of one target."""

    kind: Literal[Kind.PHOTOMETRY] = Kind.PHOTOMETRY
    target: TargetReference
    points: tuple[Point, ...] = Field(min_length=1, max_length=MAX_POINTS)


class DataProduct(Model):
    """A file of one target."""

    kind: Literal[Kind.DATA_PRODUCT] = Kind.DATA_PRODUCT
    target: TargetReference
    product_id: text(255) = ""  # type: ignore[valid-type]
    """The publishing TOM's own identifier; empty where it has none."""
    filename: Annotated[text(100, 1), AfterValidator(_file_name)]  # type: ignore[valid-type]
    """A plain name, never a path."""
    data_product_type: text(50, 1)  # type: ignore[valid-type]
    extra_data: text(MAX_EXTRA_CHARACTERS) = ""  # type: ignore[valid-type]
    size: int = Field(ge=0, le=MAX_PRODUCT_BYTES)
    """Bytes of ``content``."""
    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    """SHA-256 of ``content``, hexadecimal, lower case."""
    content: bytes = Field(max_length=MAX_PRODUCT_BYTES, repr=False)
    process: bool = True
    """Whether the receiver runs its data processor; false where the datums travel too."""

    @model_validator(mode="after")
    def _content_is_whole(self) -> Self:
        if self.size != len(self.content):
            raise ValueError(f"size says {self.size} bytes, the content has {len(self.content)}; send the file again")
        if (found := hashlib.sha256(self.content).hexdigest()) != self.sha256:
            raise ValueError(f"sha256 says {self.sha256}, the content has {found}; send the file again")
        return self

    @classmethod
    def of(cls, content: bytes, **fields: Any) -> Self:
        """Return the product of ``content``, with size and SHA-256 computed."""
        return cls(size=len(content), sha256=hashlib.sha256(content).hexdigest(), content=content, **fields)


Body = Target | TargetList | Photometry | DataProduct


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
    message: text(10_000) = ""  # type: ignore[valid-type]
    acknowledgement: text(2_000) = ""  # type: ignore[valid-type]
    references: Annotated[tuple[text(500), ...], FailFast(), Field(max_length=50)] = ()  # type: ignore[valid-type]

    def event(self, body: Body) -> "Event":
        """Return a new event of this share with ``body``."""
        return Event(**{name: getattr(self, name) for name in Share.model_fields}, body=body)


class Event(Share):
    """One event: the envelope and one body."""

    id: UUID = Field(default_factory=uuid7)
    replaces: UUID | None = None
    """Reserved: the event that this one takes the place of."""
    body: Body = Field(discriminator="kind")

    @property
    def kind(self) -> Kind:
        """The kind of the body."""
        return self.body.kind

    @property
    def subject(self) -> str:
        """The name of the target, or of the list, that this event is about."""
        match self.body:
            case Target() | TargetList():
                return self.body.name
            case Photometry() | DataProduct():
                return self.body.target.name

    @property
    def names(self) -> tuple[str, ...]:
        """All names of all targets that this event is about; for a list its own name first."""
        match self.body:
            case TargetList():
                return (self.body.name, *(name for member in self.body.members for name in member.reference.names))
            case Target():
                return self.body.names
            case Photometry() | DataProduct():
                return self.body.target.names

    @property
    def key(self) -> bytes:
        """What keeps its order: events of one key reach every TOM in the order in which they were published.

        The origin and the simplified target name; for a list the list's simplified name, marked as such.
        """
        marker = "list:" if self.kind is Kind.LIST else ""
        return f"{self.origin}/{marker}{simplify(self.subject)}".encode()

    @classmethod
    def checked(cls, data: Any, *, where: str = "") -> "Event":
        """Return ``data`` (a dictionary, or JSON as ``str`` or ``bytes``) as an event.

        Raises :class:`~bridge.errors.InvalidEventError`, which names the event, each wrong field (``points[3].ra``)
        and what would be right. ``where`` is put in front: a position in a stream, or a line of a file.
        """
        try:
            return cls.model_validate_json(data) if isinstance(data, str | bytes) else cls.model_validate(data)
        except ValidationError as error:
            raise _told(error, data, where) from None


def _told(error: ValidationError, data: Any, where: str) -> InvalidEventError:
    """Return ``error`` as one line for people."""
    identity = f"event {data.get('id')}" if isinstance(data, dict) and data.get("id") else "event"
    problems = error.errors(include_url=False)
    told = "; ".join(f"{_path(problem['loc'])}{_problem(problem)}" for problem in problems[:3])
    if len(problems) > 3:
        told += f"; and {len(problems) - 3} more"
    return InvalidEventError(told, where=f"{where}: {identity}" if where else identity)


def _path(location: tuple[int | str, ...]) -> str:
    # The body's kind stands behind "body", as the one of several models that was tried.
    parts = (*location[:1], *location[2:]) if location[:1] == ("body",) else location
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    return f"{text.removeprefix('body.')}: " if text else ""


def _problem(problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    given = problem.get("input")
    if problem["type"] == "value_error" or isinstance(given, dict | list | bytes | BaseModel):
        return message
    return f"{message} (it is {str(given)[:60]!r})"
