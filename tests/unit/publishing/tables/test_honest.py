"""Files of pipelines, journals and spreadsheets as people have them: read right, refused where they mean two things."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from parts.tables import points, reading

from bridge.publishing.sources.errors import SourceError

Values = tuple[str, float | None, float | None, float | None, str]
MOMENT = datetime(2020, 5, 31, 2, 24, tzinfo=UTC)
"""MJD 59000.1, JD 2459000.6."""
SEEN: Values = ("g", 17.123, 0.023, None, "")
RED: Values = ("r", 16.5, 0.2, None, "")
LIMIT: Values = ("g", None, None, 19.2, "")

FILES: dict[str, tuple[str, list[Values]]] = {
    "padded last digits": ("MJD,g,r\n59000.1,17.123(023),16.50(20)\n", [SEEN, RED]),
    "last digits, two of them": ("MJD,filter,mag\n59000.1,g,17.123(23)\n", [SEEN]),
    "last digits by the header": ("MJD,filter,mag (err)\n59000.1,r,16.5(2)\n", [RED]),
    "last digits by a comment": ("# errors are in parentheses\nMJD,filter,mag\n59000.1,r,16.5(2)\n", [RED]),
    "errors by the header": ("MJD,g (err)\n59000.1,17.123(0.023)\n", [SEEN]),
    "errors apart": ("MJD g r\n59000.1 17.123 (0.023) 16.5 (0.2)\n", [SEEN, RED]),
    "errors apart, one missing": ("MJD g r\n59000.1 17.123 (0.023) ...\n59000.1 ... 16.5 (0.2)\n", [SEEN, RED]),
    "plus-minus apart": ("MJD g\n59000.1 17.123 \u00b1 0.023\n", [SEEN]),
    "plus-minus of journals": (
        "Table 2\nPhotometry of SN 2020abc\n\nMJD\tg\tr\t\n59000.1\t17.123 +or- 0.023\t ... \t\n"
        "59000.1\t ... \t16.5 +or- 0.2\t\nNote.\n",
        [SEEN, RED],
    ),
    "errors in a column of their own": ("MJD g err\n59000.1 17.123 0.023\n", [SEEN]),
    "errors of a band": ("MJD,g,sigma(g),r,err(r)\n59000.1,17.123,0.023,16.5,0.2\n", [SEEN, RED]),
    "bands of a system": ("MJD,g_AB,g_AB_err\n59000.1,17.123,0.023\n", [(*SEEN[:4], "AB")]),
    "blanks in names": ("Date (UT)            Mag   Mag err  Filter\n2020-05-31T02:24:00  17.123  0.023  g\n", [SEEN]),
    "brackets in names": ("MJD (d) mag err (mag) filter\n59000.1 17.123 0.023 g\n", [SEEN]),
    "tabs that line up": ("filter\tMJD\t\tmag\terr\ng\t59000.1 \t17.123 \t0.023\n", [SEEN]),
    "rows of databases": (
        " mjd     | mag    | err   | filter\n---------+--------+-------+--------\n"
        " 59000.1 | 17.123 | 0.023 | g\n(1 row)\n",
        [SEEN],
    ),
    "a title in a spreadsheet": ("SN 2020abc photometry,,,\n,,,\nMJD,Filter,Mag,Err\n59000.1,g,17.123,0.023\n", [SEEN]),
    "a list of columns": (
        "# Columns:\n# JD: (float) Julian Date of observation\n# Filter: (str)\n# Magnitude: (float)\n"
        "# Error: (float)\n"
        "2459000.6,g,17.123,0.023\n",
        [SEEN],
    ),
    "plus-minus in the header": ("MJD,Filter,Mag \u00b1 err\n59000.1,g,17.123 \u00b1 0.023\n", [SEEN]),
    "a system within a name": ("mjd,band,mag_ab,mag_ab_err\n59000.1,g,17.123,0.023\n", [(*SEEN[:4], "AB")]),
    "days since something beside": ("Epoch (d),MJD,Filter,Mag,Err\n-3.2,59000.1,g,17.123,0.023\n", [SEEN]),
    "the definition of MJD": ("# MJD = JD - 2400000.5\nMJD,Filter,Mag,Err\n59000.1,g,17.123,0.023\n", [SEEN]),
    "IRAF's INDEF": ("MJD g g_err r r_err\n59000.1 17.123 0.023 INDEF INDEF\n", [SEEN]),
    "days since something of the same name": (
        ",time (days),time,magnitude,e_magnitude,band,system\n0,1.1,59000.1,17.123,0.023,g,AB\n",
        [(*SEEN[:4], "AB")],
    ),
    "a comet": (
        "mjd,rh,delta,alpha,mag,mag_err,filter\n59000.1,2.088,1.535,27.55,17.123,0.023,g\n"
        "59000.1,2.1,1.6,27.1,16.5,0.2,r\n",
        [SEEN, RED],
    ),
    "the time of a query": (
        "mjd,mag,mag_err,filter,query_datetime,created_at\n59000.1,17.123,0.023,g,2024-09-27 14:12:59,2021-01-01\n",
        [SEEN],
    ),
    "a title of words": ("SN 2020abc, NOT\nMJD filter mag err\n59000.1 g 17.123 0.023\n", [SEEN]),
    "a telescope by the name of NOT": (
        "# observed with the NOT at La Palma\nMJD,mag,err,filter\n59000.1,17.123,0.023,g\n",
        [SEEN],
    ),
    "what was not applied": (
        "# No extinction or K-correction applied\n# last update: 2020-06-10\n"
        "MJD,mag,err,filter\n59000.1,17.123,0.023,g\n",
        [SEEN],
    ),
    "99.0 for no magnitude": (
        "MJD,filter,mag,emag,limmag\n59000.1,g,17.123,0.023,99.0\n59000.1,g,99.0,99.0,19.2\n59000.1,g,99.0,99.0,19.2\n",
        [SEEN, LIMIT, LIMIT],
    ),
    "columns numbered": ("# 1: MJD\n# 2: filter\n# 3: mag\n# 4: err\n59000.1 g 17.123 0.023\n", [SEEN]),
    "a Julian date from 2450000": ("JD 2450000+,filter,mag,err\n9000.6,g,17.123,0.023\n", [SEEN]),
    "a day first beside a JD": ("data;JD;magnitudine;errore;filtro\n31/05/2020;2459000,6;17,123;0,023;g\n", [SEEN]),
    "limits by 0 and 1 with their errors": (
        "date\tband\tmag\tmag_limit\tdmag\n2020-05-31.1\tg\t17.123\t0\t0.023\n2020-05-31.1\tg\t19.2\t1\tNaN\n",
        [SEEN, LIMIT],
    ),
    "notes on telescopes": (
        "MJD,filter,mag,err,notes\n59000.1,g,17.123,0.023,LCO 1m\n59000.1,r,16.5,0.2,NOT\n",
        [SEEN, RED],
    ),
    "AstroImageJ": (
        " \tLabel\tslice\tSaturated\tJ.D.-2400000\tJD_UTC\tJD_SOBS\tHJD_UTC\tBJD_TDB\tAIRMASS\tEXPTIME\tFILTER\t"
        "rel_flux_T1\trel_flux_err_T1\tSource_AMag_T1\tSource_AMag_Err_T1\tX(FITS)_T1\tSource-Sky_T1\tSource_Error_T1\n"
        "1\ta.fits\t1\t0.0\t59000.6\t2459000.6\t2459000.5997\t2459000.603\t2459000.6038\t1.21\t60.0\tg\t"
        "0.0512\t0.0003\t17.123\t0.023\t512.1\t40123.5\t230.1\n",
        [SEEN],
    ),
    "stacked by ATLAS's plotter": (
        "# MJD (average of the points included, after clipping)\n"
        "# uJy (average of the points included after clipping)\n"
        "# duJy (error on the average point after clipping)\n# F (filter)\n"
        "# n (number of points included in the stacked detection, after\n# clipping)\n"
        "MJD,uJy,duJy,F,n\n59000.1,417,37,o,4\n",
        [("o", 417, 37, None, "uJy")],
    ),
    "WISE": ("mjd,w1mag,w1err\n59000.1,14.1,0.02\n", [("w1", 14.1, 0.02, None, "")]),
    "BlackGEM": (
        "MJD-OBS,FILTER,MAG_OPT,MAGERR_OPT,LIMMAG_OPT\n59000.1,q,17.1,0.1,21.1\n",
        [("q", 17.1, 0.1, 21.1, "")],
    ),
    "French": (
        "# Observations obtenues avec un telescope de 30 cm\nMJD,mag,err,filter\n59000.1,17.123,0.023,g\n",
        [SEEN],
    ),
    "German": (
        "# Beobachtungen mit dem 60-cm-Teleskop der Sternwarte\nMJD,mag,err,filter\n59000.1,17.123,0.023,g\n",
        [SEEN],
    ),
    "Spanish": ("# Fotometria obtenida en el observatorio\nMJD,mag,err,filter\n59000.1,17.123,0.023,g\n", [SEEN]),
    "Italian": ("# Osservazioni con il telescopio di Asiago\nMJD,mag,err,filter\n59000.1,17.123,0.023,g\n", [SEEN]),
    "VizieR": (
        "#\n#   VizieR Astronomical Server vizier.cds.unistra.fr\n"
        "#    Date: 2020-06-01T00:00:00 [V1.99+ (14-Oct-2013)]\n"
        "#   In case of problem, please report to:\tcds-question@unistra.fr\n#\n#Coosys\tJ2000:\teq_FK5 J2000\n"
        "#INFO\tvotable-version=1.99+ (14-Oct-2013)\t\n#INFO\t-out.max=50\t\n#RESOURCE=yCat_1\n#Name: J/ApJ/900/1\n"
        "#Table\tJ_ApJ_900_1_table2:\n#Column\tMJD\t(F9.3)\tModified Julian Date\t[ucd=time.epoch]\n"
        "#Column\tmag\t(F6.3)\tApparent magnitude\t[ucd=phot.mag]\n"
        "MJD;Band;mag;e_mag\nd;;mag;mag\n---------;-;------;-----\n59000.100;g;17.123;0.023\n",
        [SEEN],
    ),
    "a page": (
        "<!DOCTYPE html><html><head><title>SN 2020abc</title><script>if (a < b) {}</script></head><body>\n"
        "<table><tr><td>Table 1</td><td>Photometry</td></tr></table>\n<table border=1><thead>\n"
        "<tr><th>MJD<th>Mag<th>Err<th>Filter</thead>\n<tr><td>59000.1<td>17.123<td>0.023<td><i>g</i>\n"
        "<tr><td>59000.1<td>&gt;19.2<td><td>g\n</table></body></html>\n",
        [SEEN, LIMIT],
    ),
    "what stands between the commands of LaTeX": (
        "MJD & $g$ & $r$ \\\\\n59000.1 & $17.123\\pm0.023$ & 16.5(0.2) \\\\\n",
        [SEEN, RED],
    ),
    "AASTeX over lines": (
        "\\begin{deluxetable}{cccc}\n\\tablecaption{ Observations \\label{tab:a} }\n\\tablehead{ \n"
        "\\colhead{MJD} & \\colhead{Mag} & "
        "\\colhead{Error} & \\colhead{Filter}\\\\\n}\n\\startdata \n59000.1 & 17.123 & 0.023 & g \\\\\\enddata \n"
        "\\end{deluxetable}\n",
        [SEEN],
    ),
    "a note of a journal on telescopes": (
        "# KAIT = Katzman Automatic Imaging Telescope;\n# Tel = 1 m Nickel telescope at Lick Observatory.\n"
        "MJD,mag,err,filter,Tel\n59000.1,17.123,0.023,g,KAIT\n",
        [SEEN],
    ),
}


def refused(folder: Path, text: str, **options: object) -> str:
    with pytest.raises(SourceError) as caught:
        reading(folder, text, **options)  # type: ignore[arg-type]
    return "\n".join((str(caught.value), *caught.value.problems))


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_people_have_is_read_right_without_options(tmp_path: Path, kind: str) -> None:
    text, right = FILES[kind]
    found = points(tmp_path, text)
    assert [(one.bandpass, one.brightness, one.brightness_error, one.limit, one.unit) for one in found] == right
    assert {one.timestamp for one in found} == {MOMENT}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("MJD,filter,mag\n59000.1,g,17.12(2)\n", "'mag (err)'"),
        ("MJD,g,r\n59000.1,17.12(12),16.9(3)\n59000.2,17.13(3),16.91(12)\n", "a footnote?"),
        ("MJD,g,g_err\n59000.1,17.123(23),0.05\n", "a footnote?"),
        ("MJD,g,g_err\n59000.1,17.123(0.023),0.05\n", "another error"),
        ("JD_UTC\tfilter\trel_flux_T1\trel_flux_err_T1\n2459000.6\tg\t0.05\t0.001\n", "Source_AMag_T1"),
        ("mjd,filter,mag,err_2sigma\n59000.1,g,17.1,0.1\n", "err_2sigma"),
        ("date,band,mag,mag_limit,dmag\n2020-05-31.1,g,17.1,1,0.1\n2020-05-31.2,g,17.2,0,0.1\n", "is_limit=mag_limit"),
        ("mjd,alpha,delta,mag,filter\n59000.1,150.1,2.1,17.1,g\n59000.1,151.1,2.1,17.1,g\n", "several places"),
        ("#K IRAF       = NOAO/IRAFV2.16  version %-23s\na.fits 512.1 499.2\n", "instrumental"),
        ("mjd,mag,filter\n59000.1,17.1,g\n59000.2,17.2,g\n59000.3\n", "has 1 columns"),
        ("MJD,B,Berr,V,Verr\n59000.1,17.1,0.1,16.1,0.1\n59000.2,17.1,0.1,-1,-1\n", "column V: '-1' is no magnitude"),
        ("mjd,filter,mag,Err_stat\n59000.1,g,17.1,0.1\n", "--columns error=Err_stat"),
        ("data;JD;mag;filtro\n06/05/2020;2459000,6;17,1;g\n", "tell different times"),
        ("MJD,filter,mag,err,notes\n59000.1,g,17.1,0.1,not NOT\n59000.1,g,17.1,0.1,\n", "notes"),
        ("MJD,filter,mag,err,notes\n59000.1,g,17.1,0.1,20:15 LT\n59000.1,g,17.1,0.1,\n", "LT"),
        ("# magnitudes are NOT AB\nMJD,mag,err,filter\n59000.1,17.1,0.1,g\n", "a comment"),
        ("# NOT AB\nMJD,mag,err,filter\n59000.1,17.1,0.1,g\n", "a comment"),
        ("# this is NOT\nMJD,mag,err,filter\n59000.1,17.1,0.1,g\n", "a comment"),
        ("# NOT the target but its host\nMJD,mag,err,filter\n59000.1,17.1,0.1,g\n", "a comment"),
        ("# magnitudes relatives\nMJD,mag,err,filter\n59000.1,17.1,0.1,g\n", "relatives"),
        (
            "# mag: magnitude of the host galaxy\n# Columns:\n# MJD: time\n# mag: of the host\n"
            "# filter: band\n59000.1,17.1,g\n",
            "host",
        ),
        ("<table><tr><th>MJD<th>mag<th>filter<tr><td colspan=2>59000.1<td>g</table>", "over several columns"),
        ("<table><tr><th>MJD<th>mag<th>filter<tr><td>59000.1<td>17.1<td>g</table>" * 2, "2 tables"),
        ("<p>All are upper limits</p><table><tr><th>MJD<th>mag<th>filter<tr><td>59000.1<td>17.1<td>g</table>", "limit"),
        ("<table><tr><th>MJD<th>mag<th>filter<tr><td>59000.1<td><del>17.1</del> 16<td>g</table>", "struck out"),
        ("MJD;mag;filter\n59000.1;17.1;g\n59000.2;17.2;g\nThe last value is of the host\n", "host"),
    ],
)
def test_a_file_that_may_mean_two_things_is_refused_with_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text)


def test_columns_without_a_header_are_named_by_their_numbers(tmp_path: Path) -> None:
    text = "2459000.6 17.123 0.023 1\n2459000.6 16.5 0.2 2\n"
    told = refused(tmp_path, text)
    assert "has no header" in told
    assert "time=1,brightness=2,error=3" in told
    told = refused(tmp_path, text, columns="time=1,brightness=2,error=3", given={"bandpass": "g"})
    assert "nothing says what column 4 holds" in told
    found = points(tmp_path, text, columns="time=1,brightness=2,error=3,extra=4", given={"bandpass": "g"})
    assert [(one.brightness, one.brightness_error, one.extra) for one in found] == [
        (17.123, 0.023, {"4": 1}),
        (16.5, 0.2, {"4": 2}),
    ]
    assert {one.timestamp for one in found} == {MOMENT}


def test_the_mend_that_a_message_names_leads_to_a_right_table(tmp_path: Path) -> None:
    found = points(tmp_path, "MJD,filter,mag (err)\n59000.1,g,17.12(2)\n59000.1,g,17.12(12)\n")
    assert [(one.brightness, one.brightness_error) for one in found] == [(17.12, 0.02), (17.12, 0.12)]
    flags = "date,band,mag,mag_limit,dmag\n2020-05-31.1,g,17.1,0,\n2020-05-31.1,g,19.2,1,\n"
    assert "--columns is_limit=mag_limit" in refused(tmp_path, flags)
    found = points(tmp_path, flags, columns="is_limit=mag_limit")
    assert [(one.brightness, one.limit) for one in found] == [(17.1, None), (None, 19.2)]


@pytest.mark.parametrize(
    "text",
    [
        "DATE-OBS,FILTER,MAG_ZOGY,MAGERR_ZOGY\n2020-05-31T02:24:00,g,17.123,0.023\n",
        "mjd,phot_mag,err,filter\n59000.1,17.123,0.023,g\n",
        "mjd,mag,err,ztf_filter\n59000.1,17.123,0.023,g\n",
        "mjd,mag,Err_stat,filter\n59000.1,17.123,0.023,g\n",
        "mjd,mag,err,filter,zp\n59000.1,17.123,0.023,g,25.1\n",
        "mjd,mag,err,filter,notes\n59000.1,17.123,0.023,g,aperture of 5 pixels\n",
        "mjd,mag,err,filter,conf\n59000.1,17.123,0.023,g,0\n59000.1,17.123,0.023,g,0\n59000.1,17.123,0.023,g,1\n",
    ],
)
def test_the_option_that_a_message_names_leads_to_a_published_table_that_is_right(tmp_path: Path, text: str) -> None:
    named = re.findall(r"(?<=[ ,])(?:brightness|bandpass|error|extra)=[\w-]+", refused(tmp_path, text))
    found = points(tmp_path, text, columns=named[0])
    assert {(one.bandpass, one.brightness, one.brightness_error) for one in found} == {("g", 17.123, 0.023)}
    assert {one.timestamp for one in found} == {MOMENT}


@pytest.mark.parametrize(
    "text", ["<?xml version='1.0'?>\n<a><b>1</b></a>\n", "<lightcurve><point mjd='1'/></lightcurve>\n"]
)
def test_markup_of_an_unknown_kind_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    assert "Save it as CSV" in refused(tmp_path, text)


def test_a_day_of_eight_digits_is_one_beside_a_time_of_day_or_an_mjd(tmp_path: Path) -> None:
    for text in (
        "date,UT,mag,err,filter\n20200531,02:24:00,17.123,0.023,g\n",
        "MJD,dateobs,mag,err,filter\n59000.1,20200531,17.123,0.023,g\n",
    ):
        assert [one.timestamp for one in points(tmp_path, text)] == [MOMENT]
    assert "different times" in refused(
        tmp_path, "MJD,dateobs,mag,filter\n59000.1,20200630,17.1,g\n59000.1,20200601,17.1,g\n"
    )
