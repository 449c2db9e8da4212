"""Tables of the Zwicky Transient Facility: its forced-photometry service, its light curves at IRSA, and its alerts.

Forced photometry, by the service's own recipe (Masci et al. 2023, arXiv:2305.16279, and *The ZTF Forced Photometry
Service*, https://irsa.ipac.caltech.edu/data/ZTF/docs/ztf_forced_photometry.pdf, "Generating calibrated magnitudes or
upper limits"), with SNT = 3 and SNU = 5: where forcediffimflux / forcediffimfluxunc > SNT the magnitude is
``zpdiff - 2.5 log10(forcediffimflux)`` and its error ``1.0857 forcediffimfluxunc / forcediffimflux``; else the limit is
``zpdiff - 2.5 log10(SNU forcediffimfluxunc)``. Images with ``infobitssci`` of 33554432 or more are unusable by it.
``jd`` is the start of the exposure in UTC.

Alerts (https://zwickytransientfacility.github.io/ztf-avro-alert/schema.html), as Lasair, Fink and ALeRCE hand them on:
``magpsf`` is the magnitude of the difference image. A negative difference (``isdiffpos`` f, 0 or -1) has no magnitude,
and is left out; without ``magpsf`` a row is a limit of ``diffmaglim``.
"""

import math
from dataclasses import dataclass

from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.places import check_one_place
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import (
    UTC_JD,
    UTC_MJD,
    Cells,
    Fields,
    Left,
    Survey,
    Wrong,
    number,
    optional,
    positive,
)
from bridge.publishing.sources.tables.when.forms import Form

_SNT, _SNU = 3.0, 5.0
_UNUSABLE = 33_554_432
_CLOUDS_OR_MOON = 32_768
"""https://irsa.ipac.caltech.edu/docs/program_interface/ztf_lightcurve_api.html: BAD_CATFLAGS_MASK=32768."""
_NO_FLUX = -99_999.0
_FILTERS = {"1": "g", "2": "r", "3": "i", "g": "g", "r": "r", "i": "i", "1.0": "g", "2.0": "r", "3.0": "i"}
_POSITIVE, _NEGATIVE = (
    frozenset({"t", "1", "true", "1.0", "+"}),
    words("f 0 -1 false 0.0 -1.0 -"),
)
_GIVEN = {"telescope": "ZTF", "source_name": "ZTF"}

_FORCED = words(
    "index field ccdid qid filter pid infobitssci sciinpseeing scibckgnd scisigpix zpmaginpsci "
    "zpmaginpsciunc zpmaginpscirms clrcoeff clrcoeffunc ncalmatches exptime adpctdif1 adpctdif2 "
    "diffmaglim zpdiff programid jd rfid forcediffimflux forcediffimfluxunc forcediffimsnr "
    "forcediffimchisq forcediffimfluxap forcediffimfluxuncap forcediffimsnrap aperturecorr dnearestrefsrc "
    "nearestrefmag nearestrefmagunc nearestrefchi nearestrefsharp refjdstart refjdend procstatus"
)
_FORCED_NEEDS = frozenset({"jd", "filter", "zpdiff", "forcediffimflux", "forcediffimfluxunc"})


def _forced_row(cells: Cells) -> Fields:
    used = {"jd", "filter"}
    fields: dict[str, object] = {"bandpass": cells["filter"]}
    if is_empty(cells["forcediffimflux"]) or number_of(cells["forcediffimflux"]) == _NO_FLUX:
        raise Left("no flux was measured")
    bits = optional(cells, "infobitssci", "number of information bits")
    if bits is not None and bits >= _UNUSABLE:
        raise Left(f"infobitssci of {_UNUSABLE} or more: an unusable image")
    if is_empty(cells["zpdiff"]):
        raise Left("no zero point")
    flux, error = number(cells, "forcediffimflux", "flux"), positive(cells, "forcediffimfluxunc", "error of a flux")
    zero_point = number(cells, "zpdiff", "zero point")
    if (exposure := optional(cells, "exptime", "exposure time")) is not None:
        fields["exposure_time"] = exposure
        used.add("exptime")
    if flux / error > _SNT:
        fields["brightness"] = zero_point - 2.5 * math.log10(flux)
        fields["brightness_error"] = 2.5 / math.log(10) * error / flux
    else:
        fields["limit"] = zero_point - 2.5 * math.log10(_SNU * error)
    return fields, frozenset(used)


def _irsa_row(cells: Cells) -> Fields:
    if (flags := optional(cells, "catflags", "number of flags")) is not None and int(flags) & _CLOUDS_OR_MOON:
        raise Left(f"catflags has {_CLOUDS_OR_MOON}: an epoch that IRSA advises not to use")
    used = {"mjd", "mag", "magerr", "filtercode"}
    fields: dict[str, object] = {
        "bandpass": cells["filtercode"],
        "brightness": number(cells, "mag", "magnitude"),
        "brightness_error": positive(cells, "magerr", "error of a magnitude"),
    }
    for column, name, what in (("exptime", "exposure_time", "exposure time"), ("limitmag", "limit", "magnitude")):
        if (found := optional(cells, column, what)) is not None:
            fields[name] = found
            used.add(column)
    return fields, frozenset(used)


@dataclass(frozen=True, kw_only=True)
class _Alerts:
    """The columns of alerts as one broker names them."""

    time: str
    fid: str = "fid"
    magnitude: str = "magpsf"
    error: str = "sigmapsf"
    sign: str = "isdiffpos"
    limit: str = "diffmaglim"
    tag: str = ""

    def row(self, cells: Cells) -> Fields:
        fields: dict[str, object] = {}
        band = _FILTERS.get(cells[self.fid].strip().lower())
        if band is None:
            raise Wrong(self.fid, f"{cells[self.fid][:40]!r} is no filter of ZTF; 1 is g, 2 is r, 3 is i")
        fields["bandpass"] = band
        tag = cells.get(self.tag, "").lower() if self.tag else ""
        if tag.startswith("badquality"):
            raise Left("of bad quality, by the broker's tag")
        if tag not in ("", "valid", "upperlim", "nan"):
            raise Wrong(self.tag, f"{tag[:40]!r} is no tag that is known")
        if tag == "upperlim" or is_empty(cells.get(self.magnitude, "")):
            limit = optional(cells, self.limit, "magnitude")
            if limit is None:
                raise Left("neither a magnitude nor a limit")
            return {**fields, "limit": limit}, frozenset({self.time, self.limit})
        sign = cells[self.sign].strip().lower()
        if sign in _NEGATIVE:
            raise Left("fainter than the reference image, which has no magnitude")
        if sign not in _POSITIVE:
            raise Wrong(self.sign, f"{sign[:40]!r} is neither t nor f")
        fields["brightness"] = number(cells, self.magnitude, "magnitude")
        fields["brightness_error"] = positive(cells, self.error, "error of a magnitude")
        return fields, frozenset({self.time, self.magnitude, self.error})

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.time, self.fid, self.magnitude, self.error, self.sign})

    @property
    def roles(self) -> dict[str, str]:
        return {
            self.fid: "bandpass",
            self.magnitude: "brightness, magnitudes",
            self.error: "its error",
            self.sign: "whether it is brighter than the reference",
            self.limit: "limit where there is no magnitude",
        }


_ALERT = words(
    "candid oid objectId objectid tid pid rid jd mjd fid nid programid programpi field rcid ra dec magpsf "
    "sigmapsf magap sigmagap magapbig sigmagapbig distnr magnr sigmagnr chinr sharpnr sky magdiff fwhm "
    "classtar mindtoedge magfromlim seeratio aimage bimage aimagerat bimagerat elong nneg nbad rb "
    "rbversion drb drbversion ssdistnr ssmagnr ssnamenr sumrat magzpsci magzpsciunc magzpscirms clrcoeff "
    "clrcounc rfid diffmaglim isdiffpos ranr decnr scorr ndethist ncovhist jdstarthist jdendhist tblid "
    "pdiffimfilename rcid xpos ypos chipsf zpclrcov zpmed clrmed clrrms neargaia neargaiabright maggaia "
    "maggaiabright exptime tooflag sgmag1 srmag1 simag1 szmag1 sgscore1 distpsnr1 objectidps1"
)
_ALERCE = words(
    "magpsf_corr sigmapsf_corr sigmapsf_corr_ext corrected dubious parent_candid has_stamp step_id_corr "
    "magpsf_corr_ext magap_corr sigmagap_corr candid_alert phase aid sid unparsed_fid unparsed_jd stellar "
    "forced extra_fields"
)
_ALERCE_NEW = words("mag e_mag mag_corr e_mag_corr e_mag_corr_ext e_ra e_dec measurement_id")


def _alerts(
    name: str,
    title: str,
    alerts: _Alerts,
    form: Form,
    *,
    needs: frozenset[str] = frozenset(),
    may: frozenset[str] = frozenset(),
    may_match: str = r"(?!)",
) -> Survey:
    return Survey(
        name=name,
        title=title,
        needs=alerts.needs | needs,
        may=may,
        may_match=may_match,
        time=alerts.time,
        form=form,
        read_row=alerts.row,
        given=_GIVEN,
        roles=alerts.roles,
        one_of=frozenset({"oid", "objectId", "i:objectId", "objectid"}),
    )


_ALERCE_LIMITS = frozenset({"mjd", "fid", "diffmaglim"})


def _non_detection(cells: Cells) -> Fields:
    band = _FILTERS.get(cells["fid"].strip().lower())
    if band is None:
        raise Wrong("fid", f"{cells['fid'][:40]!r} is no filter of ZTF; 1 is g, 2 is r, 3 is i")
    return {"bandpass": band, "limit": number(cells, "diffmaglim", "magnitude")}, _ALERCE_LIMITS


_FORCED_ROLES = {
    "filter": "bandpass",
    "exptime": "exposure time, s",
    "zpdiff": "zero point",
    "forcediffimflux": "brightness above 3 sigma, as magnitude",
    "forcediffimfluxunc": "error, else limit of 5 sigma",
}
_IRSA_ROLES = {
    "filtercode": "bandpass",
    "mag": "brightness, magnitudes",
    "magerr": "its error",
    "limitmag": "limit",
    "exptime": "exposure time, s",
}
_BY_ALERCE = _Alerts(time="mjd")
_BY_ALERCE_NEW = _Alerts(time="mjd", magnitude="mag", error="e_mag")
_BY_FINK = _Alerts(
    time="i:jd",
    fid="i:fid",
    magnitude="i:magpsf",
    error="i:sigmapsf",
    sign="i:isdiffpos",
    limit="i:diffmaglim",
    tag="d:tag",
)
SURVEYS = (
    Survey(
        name="ztf",
        title="ZTF forced photometry",
        has_head=True,
        needs=_FORCED_NEEDS,
        may=_FORCED,
        time="jd",
        form=UTC_JD,
        read_row=_forced_row,
        given=_GIVEN,
        roles=_FORCED_ROLES,
    ),
    Survey(
        name="ztf",
        title="ZTF light curves at IRSA",
        needs=words("oid expid hjd mjd mag magerr catflags filtercode ra dec"),
        may=words(
            "chi sharp filefracday field ccdid qid limitmag magzp magzprms clrcoeff clrcounc exptime airmass programid"
        ),
        time="mjd",
        read_row=_irsa_row,
        check=check_one_place,
        given=_GIVEN,
        roles=_IRSA_ROLES,
    ),
    _alerts("alerce", "ALeRCE detections", _BY_ALERCE, UTC_MJD, needs=frozenset({"magpsf_corr"}), may=_ALERT | _ALERCE),
    _alerts(
        "alerce",
        "ALeRCE detections",
        _BY_ALERCE_NEW,
        UTC_MJD,
        needs=frozenset({"mag_corr"}),
        may=_ALERT | _ALERCE | _ALERCE_NEW,
    ),
    Survey(
        name="alerce",
        title="ALeRCE non-detections",
        needs=_ALERCE_LIMITS,
        may=frozenset({"oid", "tid", "aid", "sid"}),
        time="mjd",
        read_row=_non_detection,
        given=_GIVEN,
        roles={"fid": "bandpass", "diffmaglim": "limit, magnitudes"},
        one_of=frozenset({"oid"}),
    ),
    _alerts("fink", "Fink, ZTF alerts", _BY_FINK, UTC_JD, may_match=r"[idvb]:[\w .-]+"),
    _alerts("lasair", "ZTF alerts", _Alerts(time="jd"), UTC_JD, may=_ALERT),
    _alerts("lasair", "ZTF alerts", _Alerts(time="mjd"), UTC_MJD, may=_ALERT - {"jd"}),
)
