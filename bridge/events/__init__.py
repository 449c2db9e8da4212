"""What is shared, and what is valid: events as people and TOMs mean them.

An :class:`Event` is the envelope of one share plus one body: a :class:`Target`, a :class:`TargetList`, datums of a
target (:class:`Photometry`, :class:`Spectroscopy`, :class:`Astrometry`, :class:`ReducedData`) or a
:class:`DataProduct`. Nothing here knows bytes, Kafka or Django.
"""

from bridge.events.datums import (
    BODIES,
    KINDS,
    MAX_CHANNELS,
    MAX_DATA,
    MAX_POINTS,
    MAX_POSITIONS,
    MAX_SPECTRA,
    TYPED,
    Astrometry,
    Data,
    DataBody,
    Datum,
    Photometry,
    Point,
    Position,
    ReducedData,
    ReducedDatum,
    Spectroscopy,
    Spectrum,
)
from bridge.events.event import Body, Event, EventRef, Share
from bridge.events.fields import MAX_ALIASES, MAX_EXTRA_CHARACTERS, Kind, Model, Name, uuid7
from bridge.events.product import MAX_PRODUCT_BYTES, DataProduct
from bridge.events.targets import (
    COORDINATE_FIELDS,
    MAX_EXTRAS,
    MAX_MEMBERS,
    REQUIRED_ELEMENTS,
    REQUIRED_ELEMENTS_BY_SCHEME,
    ListMember,
    Target,
    TargetList,
    TargetReference,
    TargetType,
)

__all__ = [
    "BODIES",
    "COORDINATE_FIELDS",
    "KINDS",
    "MAX_ALIASES",
    "MAX_CHANNELS",
    "MAX_DATA",
    "MAX_EXTRAS",
    "MAX_EXTRA_CHARACTERS",
    "MAX_MEMBERS",
    "MAX_POINTS",
    "MAX_POSITIONS",
    "MAX_PRODUCT_BYTES",
    "MAX_SPECTRA",
    "REQUIRED_ELEMENTS",
    "REQUIRED_ELEMENTS_BY_SCHEME",
    "TYPED",
    "Astrometry",
    "Body",
    "Data",
    "DataBody",
    "DataProduct",
    "Datum",
    "Event",
    "EventRef",
    "Kind",
    "ListMember",
    "Model",
    "Name",
    "Photometry",
    "Point",
    "Position",
    "ReducedData",
    "ReducedDatum",
    "Share",
    "Spectroscopy",
    "Spectrum",
    "Target",
    "TargetList",
    "TargetReference",
    "TargetType",
    "uuid7",
]
