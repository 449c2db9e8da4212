"""Which of the TOM's models holds which kind of reduced datum."""

from collections.abc import Mapping
from typing import Any

from tom_dataproducts.models import (
    AstrometryReducedDatum,
    PhotometryReducedDatum,
    ReducedDatum,
    SpectroscopyReducedDatum,
)

from bridge.events import Kind

MODELS: Mapping[Kind, Any] = {
    Kind.PHOTOMETRY: PhotometryReducedDatum,
    Kind.SPECTROSCOPY: SpectroscopyReducedDatum,
    Kind.ASTROMETRY: AstrometryReducedDatum,
    Kind.REDUCED_DATUM: ReducedDatum,
}
"""The model that holds each kind."""
