"""Hypothesis strategies for every kind of event, within the rules of :mod:`bridge.events`."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bridge.events import (
    COORDINATE_FIELDS,
    TYPED,
    Astrometry,
    DataProduct,
    Event,
    ListMember,
    Photometry,
    Point,
    Position,
    ReducedData,
    ReducedDatum,
    Spectroscopy,
    Spectrum,
    Target,
    TargetList,
    TargetReference,
    TargetType,
)

finite = st.floats(allow_nan=False, allow_infinity=False)
ra = st.floats(0, 360)
dec = st.floats(-90, 90)
moments = st.datetimes(datetime(1000, 1, 1), datetime(3000, 12, 31), timezones=st.just(UTC))
NOT_IN_NAMES = "<>\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""What no name has, beside control characters."""


def texts(longest: int, shortest: int = 0) -> st.SearchStrategy[str]:
    """Text without control characters, up to a length that keeps examples quick."""
    characters = st.characters(exclude_categories=["Cs", "Cc"])
    return st.text(characters, min_size=shortest, max_size=min(longest, 60))


names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=NOT_IN_NAMES), min_size=1, max_size=60
).filter(lambda name: name.strip())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts(20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(10), inner, max_size=3),
    max_leaves=6,
)
references = st.builds(
    TargetReference,
    name=names,
    aliases=st.lists(names, max_size=4).map(tuple),
    type=st.none() | st.sampled_from(TargetType),
    ra=st.none() | ra,
    dec=st.none() | dec,
    epoch=st.none() | finite,
)


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Sidereal and non-sidereal targets, with every field drawn or left out."""
    kind = draw(st.sampled_from(TargetType))
    fields: dict[str, Any] = {
        name: draw(st.none() | finite) for name in COORDINATE_FIELDS if name not in {"ra", "dec", "scheme"}
    }
    if kind is TargetType.SIDEREAL:
        fields |= {"ra": draw(ra), "dec": draw(dec)}
    else:
        fields["scheme"] = draw(st.sampled_from(["MPC_MINOR_PLANET", "MPC_COMET", "JPL_MAJOR_PLANET"]))
        fields = {name: draw(finite) if value is None else value for name, value in fields.items()}
    return Target(
        name=draw(names),
        aliases=draw(st.lists(names, max_size=4).map(tuple)),
        type=kind,
        extras=draw(st.dictionaries(texts(200, 1), texts(10_000), max_size=4)),
        **fields,
    )


def common(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what datums of all kinds have."""
    return {
        "timestamp": draw(moments),
        "telescope": draw(texts(255)),
        "instrument": draw(texts(255)),
        "reduction_version": draw(texts(50).map(lambda text: text[:50])),
        "source_name": draw(texts(100)),
        "source_location": draw(texts(200)),
    }


free_values = st.dictionaries(texts(20), json_values, max_size=3)


@st.composite
def points(draw: st.DrawFn) -> Point:
    """Points with a brightness, a limit or both."""
    brightness, limit = draw(
        st.tuples(st.none() | finite, st.none() | finite).filter(lambda pair: pair != (None, None))
    )
    return Point(
        **common(draw),
        bandpass=draw(texts(32, 1).filter(lambda text: len(text) <= 32)),
        brightness=brightness,
        brightness_error=draw(st.none() | finite),
        limit=limit,
        unit=draw(texts(20).map(lambda text: text[:32])),
        exposure_time=draw(st.none() | finite),
        extra=draw(free_values),
    )


@st.composite
def spectra(draw: st.DrawFn) -> Spectrum:
    """Spectra of few wavelengths, with errors and without."""
    channels = draw(st.integers(1, 5))
    values = st.lists(finite, min_size=channels, max_size=channels).map(tuple)
    return Spectrum(
        **common(draw),
        wavelength=draw(values),
        flux=draw(values),
        error=draw(st.just(()) | values),
        wavelength_unit=draw(texts(1_000)),
        flux_unit=draw(texts(1_000)),
        setup=draw(texts(2_000)),
        exposure_time=draw(st.none() | finite),
        extra=draw(free_values),
    )


@st.composite
def positions(draw: st.DrawFn) -> Position:
    """Positions with and without errors."""
    return Position(
        **common(draw),
        ra=draw(ra),
        dec=draw(dec),
        ra_error=draw(st.none() | finite),
        dec_error=draw(st.none() | finite),
        ra_error_units=draw(texts(32).map(lambda text: text[:32])),
        dec_error_units=draw(texts(32).map(lambda text: text[:32])),
        extra=draw(free_values),
    )


@st.composite
def data(draw: st.DrawFn) -> ReducedDatum:
    """Datums of other types."""
    types = texts(100, 1).filter(lambda name: name.lower() not in TYPED)
    return ReducedDatum(**common(draw), data_type=draw(types), value=draw(free_values))


members = st.builds(ListMember, reference=references, target=st.none() | targets())
lists = st.builds(TargetList, name=names, members=st.lists(members, max_size=3).map(tuple))
photometry = st.builds(Photometry, target=references, points=st.lists(points(), min_size=1, max_size=4).map(tuple))
spectroscopy = st.builds(
    Spectroscopy, target=references, spectra=st.lists(spectra(), min_size=1, max_size=3).map(tuple)
)
astrometry = st.builds(
    Astrometry, target=references, positions=st.lists(positions(), min_size=1, max_size=4).map(tuple)
)
reduced_data = st.builds(ReducedData, target=references, data=st.lists(data(), min_size=1, max_size=4).map(tuple))
products = st.builds(
    DataProduct.of,
    st.binary(max_size=300),
    target=references,
    product_id=texts(255),
    filename=texts(100, 1).map(lambda name: name.translate({47: 95, 92: 95})).filter(lambda n: n not in {".", ".."}),
    data_product_type=texts(50, 1).map(lambda text: text[:50]),
    extra_data=texts(1000),
    process=st.booleans(),
)
bodies = st.one_of(targets(), lists, photometry, spectroscopy, astrometry, reduced_data, products)


def events(of: st.SearchStrategy[Any] = bodies) -> st.SearchStrategy[Event]:
    """Events with any envelope around bodies of ``of``."""
    return st.builds(
        Event,
        id=st.uuids(),
        share_id=st.uuids(),
        origin=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,99}", fullmatch=True),
        origin_name=texts(100, 1),
        installation=st.uuids(),
        shared_by=texts(150),
        shared_at=moments,
        title=texts(500),
        message=texts(10_000),
        acknowledgement=texts(2_000),
        references=st.lists(texts(500), max_size=3).map(tuple),
        replaces=st.none() | st.uuids(),
        body=of,
    )
