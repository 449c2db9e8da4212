"""Fluxes of the Vera C. Rubin Observatory on difference images, in nanojanskys (https://sdm-schemas.lsst.io).

Forced sources have ``psfDiffFlux``, DIA sources ``psfFlux`` (``scienceFlux`` is that of the direct image): both are
fluxes on the difference image. They are published as they are, also below zero. Times (``midpointMjdTai``, and
``expMidptMJD`` in the visit table) count in TAI and are converted. Fink hands the same on with the prefix ``r:``.
"""

import re

from bridge.publishing.sources.tables.elements.cells import YES, is_empty
from bridge.publishing.sources.tables.surveys.survey import TAI_MJD, Cells, Fields, Left, Survey, number, positive

_KNOWN = (
    r"(?:objectId|forcedSourceId|forcedSourceOnDiaObjectId|diaObjectId|diaSourceId|ssObjectId|parentDiaSourceId|parentObjectId|"
    r"visit|detector|tract|patch|skymap|coord_ra|coord_dec|ra|dec|raErr|decErr|ra_dec_Cov|x|y|xErr|yErr|snr|reliability|"
    r"(?:psf|psfDiff|ap|science|trail|dipole|template|fluxZ)\w*|pixelFlags\w*|pixelId|diff_PixelFlags\w*|invalidPsfFlag|"
    r"localBackground\w*|localPhotoCalib\w*|localWcs\w*|deblend_nChild|detect_is\w+|isDipole|extendedness|ixx\w*|iyy\w*|ixy\w*|"
    r"shape_flag\w*|centroid_flag|forced_PsfFlux_flag\w*|bboxSize|timeProcessedMjdTai|timeWithdrawnMjdTai|midpointMjdTai|band|"
    r"parent|sky_source|exposureId|ccdVisitId|physical_filter|seeing|glint_trail|isNegative|randomId|observation_reason|target_name)"
)
_BAD_PIXELS = re.compile(
    r"(?:diff_P|p)ixelFlags_(?:(?:bad|cr|edge|offimage|nodata|saturated|suspect|injected|streak)\w*|interpolatedCenter)|"
    r"invalidPsfFlag"
)
"""Flags of a footprint whose flux is not the target's: of bad, lost or injected pixels, or of a centre made up."""


def _row(cells: Cells, prefix: str, flux: str, time: str) -> Fields:
    flag = f"{prefix}{flux}_flag"
    if cells.get(flag, "").lower() in YES:
        raise Left(f"{flux}_flag is set: no flux was measured")
    for name, cell in cells.items():
        if cell.lower() in YES and _BAD_PIXELS.fullmatch(name.removeprefix(prefix)):
            raise Left(f"{name.removeprefix(prefix)} is set: the flux is of bad pixels")
    column, error, band = f"{prefix}{flux}", f"{prefix}{flux}Err", f"{prefix}band"
    if is_empty(cells[column]):
        raise Left("no flux was measured")
    fields = {
        "bandpass": cells[band],
        "brightness": number(cells, column, "flux"),
        "brightness_error": positive(cells, error, "error of a flux"),
        "unit": "nJy",
    }
    return fields, frozenset({time, column, error, band})


def _survey(prefix: str, flux: str, time: str, *, without: str = "(?!)") -> Survey:
    return Survey(
        name="fink" if prefix else "rubin",
        title="Rubin forced sources" if flux == "psfDiffFlux" else "Rubin DIA sources",
        needs=frozenset({f"{prefix}{time}", f"{prefix}band", f"{prefix}{flux}", f"{prefix}{flux}Err"}),
        may_match=rf"(?!{without}){prefix}{_KNOWN}" if not prefix else r"[rfvbd]:[\w .-]+",
        time=f"{prefix}{time}",
        form=TAI_MJD,
        read_row=lambda cells: _row(cells, prefix, flux, f"{prefix}{time}"),
        given={"telescope": "Rubin", "source_name": "Rubin"},
        roles={f"{prefix}{flux}": "brightness, nJy", f"{prefix}{flux}Err": "its error", f"{prefix}band": "bandpass"},
        one_of=frozenset({f"{prefix}diaObjectId", f"{prefix}objectId"}),
    )


SURVEYS = (
    _survey("", "psfDiffFlux", "midpointMjdTai"),
    _survey("", "psfDiffFlux", "expMidptMJD"),
    _survey("", "psfFlux", "midpointMjdTai", without="psfDiffFlux"),
    _survey("r:", "psfFlux", "midpointMjdTai"),
)
