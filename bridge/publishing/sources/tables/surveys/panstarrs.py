"""Single detections of Pan-STARRS 1 at MAST: fluxes in janskys, as ``psfFlux`` and ``filterID`` of its table Detection.

By its documents (https://outerspace.stsci.edu/display/PANSTARRS/PS1+Detection+table+fields) ``obsTime`` is the MJD of
the middle of the exposure in TAI, ``filterID`` 1 to 5 are g, r, i, z and y, and -999 stands for no value. Detections
are left out that ``infoFlag`` marks as failed or poor fits, saturated stars, bad PSFs, defects, bleed trails or cosmic
rays (https://outerspace.stsci.edu/display/PANSTARRS/PS1+Detection+Flags).
"""

from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.places import check_one_place
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import (
    TAI_MJD,
    Cells,
    Fields,
    Left,
    Survey,
    Wrong,
    optional,
    positive,
)

_FILTERS = {"1": "g", "2": "r", "3": "i", "4": "z", "5": "y"}
_NO_VALUE = -999.0
_BAD = 8 | 16 | 128 | 1024 | 2048 | 4096 | 8192
"""FAIL, POOR, SATSTAR, BADPSF, DEFECT, SATURATED, CR_LIMIT."""


def _row(cells: Cells) -> Fields:
    band = _FILTERS.get(cells["filterID"].strip().removesuffix(".0"))
    if band is None:
        raise Wrong("filterID", f"{cells['filterID'][:40]!r} is no filter of Pan-STARRS; 1 to 5 are g, r, i, z and y")
    if is_empty(cells["psfFlux"]) or number_of(cells["psfFlux"]) == _NO_VALUE:
        raise Left("no flux was measured")
    if (flags := optional(cells, "infoFlag", "number of flags")) is not None and int(flags) & _BAD:
        raise Left("infoFlag marks a bad detection")
    fields = {
        "bandpass": band,
        "brightness": positive(cells, "psfFlux", "flux of a detection"),
        "brightness_error": positive(cells, "psfFluxErr", "error of a flux"),
        "unit": "Jy",
    }
    return fields, frozenset({"obsTime", "filterID", "psfFlux", "psfFluxErr"})


SURVEYS = (
    Survey(
        name="ps1",
        title="Pan-STARRS 1 detections",
        needs=words("filterID obsTime psfFlux psfFluxErr infoFlag"),
        may=words(
            "objID uniquePspsP2id detectID ippObjID ippDetectID surveyID imageID randomDetID dvoRegionID "
            "objName objAltName1 objAltName2 objAltName3 xPos yPos xPosErr yPosErr pltScale posAngle ra dec "
            "raErr decErr raMean decMean extNSigma zp telluricExt expTime airMass psfMajorFWHM psfMinorFWHM "
            "psfTheta psfCore psfQf psfQfPerfect psfChiSq psfLikelihood apFlux apFluxErr apFillF apRadius "
            "kronFlux kronFluxErr kronRad sky skyErr infoFlag2 infoFlag3 processingVersion distance"
        ),
        may_match=r"moment\w*",
        time="obsTime",
        form=TAI_MJD,
        read_row=_row,
        check=check_one_place,
        given={"telescope": "Pan-STARRS1", "source_name": "Pan-STARRS1"},
        roles={
            "filterID": "bandpass",
            "psfFlux": "brightness, Jy",
            "psfFluxErr": "its error",
            "infoFlag": "which detections are bad",
        },
        one_of=frozenset({"objID"}),
    ),
)
