"""Single exposures of NEOWISE and WISE at IRSA: a point a band and row.

By the explanatory supplement (https://wise2.ipac.caltech.edu/docs/release/neowise/expsup/sec2_1a.html) ``w?sigmpro``
is null where ``w?mpro`` is a limit of 95 %, and both are null where nothing could be measured. ``mjd`` is the middle of
the exposure in UTC. As its cautionary notes advise, frames with ``qual_frame`` or ``qi_fact`` of 0 are left out, and
magnitudes that ``moon_masked`` or ``cc_flags`` (artefacts) mark.
"""

from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.elements.places import check_one_place
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import Cells, Fields, Left, Survey, number, optional, positive

_BANDS = (1, 2, 3, 4)


def _rows(cells: Cells) -> list[Fields]:
    """Return the fields of each band that was measured."""
    for column in ("qual_frame", "qi_fact"):
        if optional(cells, column, "number") == 0:
            raise Left(f"{column} is 0: a frame of bad quality")
    found = [_band(cells, band) for band in _BANDS if f"w{band}mpro" in cells]
    measured = [fields for fields in found if fields is not None]
    if not measured:
        raise Left("no band has a magnitude without an artefact or moonlight")
    return measured


def _band(cells: Cells, band: int) -> Fields | None:
    """Return the fields in one band, None where nothing was measured, or it is marked as bad."""
    magnitude, error = f"w{band}mpro", f"w{band}sigmpro"
    marked = [cells.get(column, "")[band - 1 : band] for column in ("cc_flags", "moon_masked")]
    if is_empty(cells[magnitude]) or any(mark not in ("", "0") for mark in marked):
        return None
    fields: dict[str, object] = {"bandpass": f"W{band}", "unit": "Vega"}
    if is_empty(cells[error]):
        return {**fields, "limit": number(cells, magnitude, "magnitude")}, frozenset({"mjd", magnitude})
    fields["brightness"] = number(cells, magnitude, "magnitude")
    fields["brightness_error"] = positive(cells, error, "error of a magnitude")
    return fields, frozenset({"mjd", magnitude, error})


SURVEYS = (
    Survey(
        name="neowise",
        title="NEOWISE single exposures",
        needs=words("mjd w1mpro w1sigmpro"),
        may=words(
            "ra dec sigra sigdec sigradec cntr source_id scan_id frame_num src glon glat elon elat x y cc_flags "
            "ph_qual qual_frame qi_fact saa_sep moon_masked nb na sso_flg r_2mass pa_2mass n_2mass j_m_2mass "
            "j_msig_2mass h_m_2mass h_msig_2mass k_m_2mass k_msig_2mass allwise_cntr designation rchi2 satnum satnum_1 "
            "det_bit sat dist angle spt_ind htm20 load_id source_id_mf dtanneal"
        ),
        may_match=r"w[1-4](?:mpro|sigmpro|snr|rchi2|flux|sigflux|sat|sky|sigsk|conf|rsemi|ba|pa|gmag|gerr|gflg|mag|sigm|"
        r"flg|mcor|magp|sigp|cov|frtr|pa|nm|m|k|ndf|mlq|mjdmin|mjdmax|mjdmean|rel|cc_map|cc_map_str|mag_\d|sigm_\d|flg_\d)"
        r"|(?:[xyw]|dis)[1-4]\w*",
        time="mjd",
        read_rows=_rows,
        check=check_one_place,
        given={"telescope": "WISE", "source_name": "NEOWISE"},
        roles={
            **{f"w{band}mpro": f"brightness in W{band}, or a limit where it has no error" for band in _BANDS},
            **{f"w{band}sigmpro": f"error in W{band}" for band in _BANDS},
        },
        one_of=frozenset({"source_id_mf"}),
    ),
)
