"""Reduced data of one target, a kind of event for each of TOM Toolkit 3.1's four models.

A *datum* is one row of such a model: a :class:`Point`, a :class:`Spectrum`, a :class:`Position` or a
:class:`ReducedDatum`, all with the columns of ``ReducedDatumCommon``. A body (:class:`Photometry`,
:class:`Spectroscopy`, :class:`Astrometry`, :class:`ReducedData`) has 1..n datums of one target.
"""

from collections.abc import Sized
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, FailFast, Field, FiniteFloat, JsonValue

from bridge.events.columns import Datums, Many, Row
from bridge.events.fields import Declination, Extra, Kind, Model, RightAscension, Utc, Value, text
from bridge.events.targets import OfTarget, TargetReference

MAX_POINTS = 50_000
MAX_SPECTRA = 5_000
MAX_POSITIONS = 50_000
MAX_DATA = 50_000
MAX_CHANNELS = 100_000
"""Wavelengths that one spectrum has at most."""

TYPED = {"photometry": Kind.PHOTOMETRY, "spectroscopy": Kind.SPECTROSCOPY, "astrometry": Kind.ASTROMETRY}
"""The data types that TOM Toolkit keeps in a model of their own, whatever their case."""

# The first wrong one is told, not all: an error of each would fill the memory.
Numbers = Annotated[tuple[FiniteFloat, ...], FailFast(), Field(max_length=MAX_CHANNELS)]


class Datum(Row):
    """What datums of all kinds have (``ReducedDatumCommon``)."""

    FREE: ClassVar[str] = "extra"
    """The field of further values, as JSON: TOM Toolkit's ``value``."""

    timestamp: Utc
    telescope: text(255) = ""  # type: ignore[valid-type]
    instrument: text(255) = ""  # type: ignore[valid-type]
    reduction_version: text(50) = ""  # type: ignore[valid-type]
    source_name: text(100) = ""  # type: ignore[valid-type]
    """Where the publishing TOM had it from."""
    source_location: text(200) = ""  # type: ignore[valid-type]

    @classmethod
    def weigh(cls, datums: Datums[Any]) -> int:
        """Return as how many points these count together where work is bounded by datums."""
        return len(datums)

    @property
    def free(self) -> dict[str, JsonValue]:
        """The further values."""
        values: dict[str, JsonValue] = getattr(self, self.FREE)
        return values

    def with_free(self, values: dict[str, JsonValue], **update: Any) -> Self:
        """Return the datum with other further values, and other fields; nothing is checked."""
        return self.model_copy(update={self.FREE: values, **update})


def _without_a_value(brightness: float | None, limit: float | None) -> str:
    return "a point needs a brightness or a limit" if brightness is None and limit is None else ""


class Point(Datum):
    """One photometric point (``PhotometryReducedDatum``). It has a brightness or a limit; 0.0 is a value."""

    TOGETHER = (("brightness", "limit"), _without_a_value)

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
    extra: Extra = Field(default={})
    """Further values, as JSON."""


def _uneven(wavelength: Sized, flux: Sized, error: Sized) -> str:
    channels = len(wavelength)
    if len(flux) != channels:
        return f"flux: there are {len(flux)} for {channels} wavelengths; one each is needed"
    if error and len(error) != channels:
        return f"error: there are {len(error)} for {channels} wavelengths; one each is needed, or none"
    return ""


class Spectrum(Datum):
    """One spectrum (``SpectroscopyReducedDatum``): a flux, and where known its error, at each wavelength."""

    TOGETHER = (("wavelength", "flux", "error"), _uneven)

    wavelength: Numbers = Field(min_length=1)
    """In ``wavelength_unit``."""
    flux: Numbers
    """In ``flux_unit``; as many as wavelengths."""
    error: Numbers = ()
    """Of the flux, in ``flux_unit``; as many as wavelengths, or none."""
    wavelength_unit: text(1_000) = ""  # type: ignore[valid-type]
    flux_unit: text(1_000) = ""  # type: ignore[valid-type]
    setup: text(2_000) = ""  # type: ignore[valid-type]
    """Of the instrument: grating, slit, arm."""
    exposure_time: FiniteFloat | None = None
    """Seconds."""
    extra: Extra = Field(default={})
    """Further values, as JSON."""

    @classmethod
    def weigh(cls, datums: Datums[Any]) -> int:
        """Return as how many points these count: a hundred wavelengths weigh as much as a point."""
        return sum(1 + len(wavelength) // 100 for wavelength in datums.column("wavelength"))


class Position(Datum):
    """One measured position (``AstrometryReducedDatum``)."""

    ra: RightAscension
    """Right ascension, degrees."""
    dec: Declination
    """Declination, degrees."""
    ra_error: FiniteFloat | None = None
    """In ``ra_error_units``."""
    dec_error: FiniteFloat | None = None
    """In ``dec_error_units``."""
    ra_error_units: text(32) = ""  # type: ignore[valid-type]
    dec_error_units: text(32) = ""  # type: ignore[valid-type]
    extra: Extra = Field(default={})
    """Further values, as JSON."""


def _untyped(data_type: str) -> str:
    if (kind := TYPED.get(data_type.lower())) is not None:
        raise ValueError(f"{data_type!r} has a kind of its own; share it as {kind.value}")
    return data_type


class ReducedDatum(Datum):
    """One datum of any other type (``ReducedDatum``)."""

    FREE: ClassVar[str] = "value"

    data_type: Annotated[text(100, 1), AfterValidator(_untyped)]  # type: ignore[valid-type]
    """What it is, in the words of the publishing TOM."""
    value: Value = Field(default={})
    """The datum itself, as JSON."""


class Data(OfTarget, Model):
    """Datums of one target: the base of the bodies that have them."""

    ITEMS: ClassVar[str]
    """The field that holds the datums."""
    MOST: ClassVar[int]
    """How many there are at most."""

    target: TargetReference

    @property
    def datums(self) -> Datums[Datum]:
        """The datums."""
        return Datums.of_models(DATUMS[type(self)], getattr(self, self.ITEMS))

    @property
    def is_as_checked(self) -> bool:
        """Whether nothing of it can be otherwise than it was when it was made: no copy, and no dictionary."""
        if self.was_changed or self.target.was_changed:
            return False
        datums = self.datums
        free = datums.of.FREE
        if datums.are_columns:
            return not any(datums.column(free))
        return not any(one.was_changed or getattr(one, free) for one in datums)

    @property
    def weight(self) -> int:
        """As how many points they count where work is bounded by datums."""
        return DATUMS[type(self)].weigh(self.datums)


class Photometry(Data):
    """Photometric points of one target."""

    ITEMS: ClassVar[str] = "points"
    MOST: ClassVar[int] = MAX_POINTS
    kind: Literal[Kind.PHOTOMETRY] = Kind.PHOTOMETRY
    points: Annotated[Datums[Point], Many(Point, MAX_POINTS)]


class Spectroscopy(Data):
    """Spectra of one target."""

    ITEMS: ClassVar[str] = "spectra"
    MOST: ClassVar[int] = MAX_SPECTRA
    kind: Literal[Kind.SPECTROSCOPY] = Kind.SPECTROSCOPY
    spectra: Annotated[Datums[Spectrum], Many(Spectrum, MAX_SPECTRA)]


class Astrometry(Data):
    """Measured positions of one target."""

    ITEMS: ClassVar[str] = "positions"
    MOST: ClassVar[int] = MAX_POSITIONS
    kind: Literal[Kind.ASTROMETRY] = Kind.ASTROMETRY
    positions: Annotated[Datums[Position], Many(Position, MAX_POSITIONS)]


class ReducedData(Data):
    """Datums of other types, of one target."""

    ITEMS: ClassVar[str] = "data"
    MOST: ClassVar[int] = MAX_DATA
    kind: Literal[Kind.REDUCED_DATUM] = Kind.REDUCED_DATUM
    data: Annotated[Datums[ReducedDatum], Many(ReducedDatum, MAX_DATA)]


DataBody = Photometry | Spectroscopy | Astrometry | ReducedData

BODIES: dict[Kind, type[DataBody]] = {
    Kind.PHOTOMETRY: Photometry,
    Kind.SPECTROSCOPY: Spectroscopy,
    Kind.ASTROMETRY: Astrometry,
    Kind.REDUCED_DATUM: ReducedData,
}
"""The body of each kind that has datums."""
DATUMS: dict[type[Data], type[Datum]] = {
    Photometry: Point,
    Spectroscopy: Spectrum,
    Astrometry: Position,
    ReducedData: ReducedDatum,
}
"""The type of the datums that each body has."""
KINDS: dict[type[Datum], Kind] = {
    Point: Kind.PHOTOMETRY,
    Spectrum: Kind.SPECTROSCOPY,
    Position: Kind.ASTROMETRY,
    ReducedDatum: Kind.REDUCED_DATUM,
}
"""The kind of event that carries each type of datum."""
