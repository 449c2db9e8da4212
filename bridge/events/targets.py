"""Targets, references to them, and lists of them."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, FailFast, Field, FiniteFloat, StringConstraints, model_validator

from bridge.events.fields import Aliases, Declination, Kind, Model, Name, RightAscension, plain_name, text

MAX_MEMBERS = 20_000
MAX_EXTRAS = 500


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


class OfTarget:
    """What a body tells of itself that is about one target."""

    if TYPE_CHECKING:  # each body has it among its own fields, in an order of its own

        @property
        def target(self) -> TargetReference: ...

    @property
    def subject(self) -> str:
        """The name of the target that it is about."""
        return self.target.name

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the target that it is about."""
        return self.target.names


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
    def subject(self) -> str:
        """Its name."""
        return self.name

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
    name: Annotated[
        str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True), AfterValidator(plain_name)
    ]
    members: Annotated[tuple[ListMember, ...], FailFast()] = Field(default=(), max_length=MAX_MEMBERS)

    @property
    def subject(self) -> str:
        """Its name."""
        return self.name

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, then those of all its targets."""
        told = (one for member in self.members for one in (member.reference, member.target) if one)
        return (self.name, *dict.fromkeys(name for one in told for name in one.names))
