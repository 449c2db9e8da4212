"""Layouts as people have them: read right without a single option. To refuse everything would be no answer."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from parts.tables import points, right_or_refused

Values = tuple[str, float | None, float | None, float | None, str]
MOMENT = datetime(2020, 5, 31, 2, 24, tzinfo=UTC)
"""MJD 59000.1."""
SEEN: Values = ("g", 17.1, 0.1, None, "")
LIMIT: Values = ("g", None, None, 19.2, "")

LAYOUTS: dict[str, tuple[str, list[Values]]] = {
    "plain": ("MJD,mag,mag_err,filter\n59000.1,17.1,0.1,g\n", [SEEN]),
    "SExtractor": ("MJD MAG_AUTO MAGERR_AUTO FILTER FLAGS\n59000.1 17.1 0.1 g 0\n", [SEEN]),
    "upper-case words": (
        "Date-Obs [MJD],Apparent magnitude,Uncertainty [mag],Filter name\n59000.1,17.1,0.1,g\n",
        [SEEN],
    ),
    "a band a column": (
        "JD-2400000.5,g,e_g,r,e_r\n59000.1,17.1,0.1,16.5,0.2\n59000.1,,,16.4,0.2\n",
        [SEEN, ("r", 16.5, 0.2, None, ""), ("r", 16.4, 0.2, None, "")],
    ),
    "errors in brackets": ("MJD,g,r\n59000.1,17.1(0.1),>18.0\n", [SEEN, ("r", None, None, 18.0, "")]),
    "plus-minus": ("MJD,mag,filter\n59000.1,17.1 \u00b1 0.1,g\n", [SEEN]),
    "limits a band": (
        "mjd,g_mag,g_mag_err,g_lim,r_mag,r_mag_err,r_lim\n59000.1,17.1,0.1,20.1,,,20.2\n",
        [("g", 17.1, 0.1, 20.1, ""), ("r", None, None, 20.2, "")],
    ),
    "sexagesimal day": ("DATE,TIME(UT),MAGNITUDE,ERROR,FILTER\n2020-05-31,02:24:00,17.1,0.1,g\n", [SEEN]),
    "year, month, day": ("year,month,day,mag,err,filter\n2020,5,31.1,17.1,0.1,g\n", [SEEN]),
    "named month": ("date mag err filter\n2020-May-31.1 17.1 0.1 g\n", [SEEN]),
    "start of the exposure": ("Start (UT),Exp (s),Mag,Err,Filter\n2020-05-31T02:24:00,30,17.1,0.1,g\n", [SEEN]),
    "dates beside": (
        "UT Date,MJD,HJD,Phase (d),mag,err,filter\n2020-05-31,59000.1,2459000.603,-3.2,17.1,0.1,g\n",
        [SEEN],
    ),
    "middle of the exposure": (
        "mjd_start,mjd_mid,mjd_end,mag,err,filter\n59000.05,59000.1,59000.15,17.1,0.1,g\n",
        [SEEN],
    ),
    "limits by upper": ("mjd,mag,err,filter,upper\n59000.1,17.1,0.1,g,False\n59000.1,19.2,,g,True\n", [SEEN, LIMIT]),
    "limits by detection": ("mjd,mag,err,filter,det\n59000.1,17.1,0.1,g,D\n59000.1,19.2,,g,U\n", [SEEN, LIMIT]),
    "limits by type": ("mjd,mag,err,filter,type\n59000.1,17.1,0.1,g,det\n59000.1,19.2,,g,ul\n", [SEEN, LIMIT]),
    "limits by sign": ("mjd,l,mag,err,filter\n59000.1,,17.1,0.1,g\n59000.1,<,19.2,,g\n", [SEEN, LIMIT]),
    "limits of sigmas": ("mjd,mag,err,filter,3sigma_ul\n59000.1,17.1,0.1,g,\n59000.1,,,g,19.2\n", [SEEN, LIMIT]),
    "limits with 99": ("mjd,mag,err,filter,limit\n59000.1,17.1,0.1,g,\n59000.1,99.9,99.9,g,19.2\n", [SEEN, LIMIT]),
    "AB": ("MJD,filter,AB Mag,Uncertainty\n59000.1,g,17.1,0.1\n", [("g", 17.1, 0.1, None, "AB")]),
    "Vega": ("MJD,Filter,Magnitude (Vega),Error\n59000.1,V,17.1,0.1\n", [("V", 17.1, 0.1, None, "Vega")]),
    "system": ("jd,band,mag,mag_err,magsys\n2459000.6,g,17.1,0.1,ab\n", [("g", 17.1, 0.1, None, "AB")]),
    "fluxes": ("mjd,flux_uJy,fluxerr_uJy,band\n59000.1,-3.1,2.5,g\n", [("g", -3.1, 2.5, None, "uJy")]),
    "fluxes of ATLAS": ("MJD,F,uJy,duJy,filter\n59000.1,o,417,37,o\n", [("o", 417, 37, None, "uJy")]),
    "fluxes with limits": (
        "mjd,flux (mJy),flux_err,band\n59000.1,2.1,0.5,C\n59000.1,<0.1,,C\n",
        [("C", 2.1, 0.5, None, "mJy"), ("C", None, None, 0.1, "mJy")],
    ),
    "units a row": (
        "mjd,flux,fluxerr,unit,band\n59000.1,2.1,0.5,mJy,C\n59000.1,17.1,0.1,AB,g\n",
        [("C", 2.1, 0.5, None, "mJy"), ("g", 17.1, 0.1, None, "AB")],
    ),
    "scaled fluxes": (
        "mjd,flux[1e-12 erg cm-2 s-1],flux_err,band\n59000.1,1.1,0.1,0.3-10 keV\n",
        [("0.3-10 keV", 1.1e-12, 1e-13, None, "erg / (s cm2)")],
    ),
    "rates": ("mjd,rate (ct/s),rate_err,band\n59000.1,1.5,0.1,XRT\n", [("XRT", 1.5, 0.1, None, "ct / s")]),
    "sncosmo": ("time band flux fluxerr zp zpsys\n59000.1 g 3.1 0.5 23.9 ab\n", [("g", 3.1, 0.5, None, "uJy")]),
    "index of pandas": (",mjd,mag,err,filter\n0,59000.1,17.1,0.1,g\n", [SEEN]),
    "numbers of rows by R": ("mjd mag err filter\n1 59000.1 17.1 0.1 g\n", [SEEN]),
    "numbers of rows by pandas": ("         mjd   mag  err filter\n0   59000.1  17.1  0.1      g\n", [SEEN]),
    "errors named alike": (
        "mjd,g,err,r,err\n59000.1,17.1,0.1,16.5,0.2\n",
        [SEEN, ("r", 16.5, 0.2, None, "")],
    ),
    "errors that pandas numbered": (
        "mjd,g,err,r,err.1\n59000.1,17.1,0.1,16.5,0.2\n",
        [SEEN, ("r", 16.5, 0.2, None, "")],
    ),
    "a light curve a band": (
        "mjd_g,mag_g,err_g,mjd_r,mag_r,err_r,telescope\n59000.1,17.1,0.1,59000.1,16.5,0.2,NOT\n,,,59000.1,16.4,0.2,NOT\n",
        [SEEN, ("r", 16.5, 0.2, None, ""), ("r", 16.4, 0.2, None, "")],
    ),
    "bands with their times and limits": (
        "JD_B,B,e_B,l_B,JD_V,V,e_V\n2459000.6,17.1,0.1,,2459000.6,16.5,0.2\n2459000.6,19.2,,>,,,\n",
        [("B", 17.1, 0.1, None, ""), ("V", 16.5, 0.2, None, ""), ("B", None, None, 19.2, "")],
    ),
    "the filter in a comment": ("# filter: g\nmjd mag err\n59000.1 17.1 0.1\n", [SEEN]),
    "colours beside": ("JD,V,B-V,V-R\n2459000.6,17.1,0.65,0.4\n", [("V", 17.1, None, None, "")]),
    "of the SDSS": ("mjd,psfMag_g,psfMagErr_g\n59000.1,17.1,0.1\n", [SEEN]),
    "of Pan-STARRS": (
        "mjd,gPSFMag,gPSFMagErr,rPSFMag,rPSFMagErr\n59000.1,17.1,0.1,16.5,0.2\n",
        [SEEN, ("r", 16.5, 0.2, None, "")],
    ),
    "of the TNS, copied": (
        "Obs-date\tMag. / Flux\tError\tLim. Mag. / Flux\tUnits\tFilter\tTel / Inst\tExptime\tRemarks\n"
        "2020-05-31 02:24:00\t17.1\t0.1\t\tABMag\tg\tP48 - ZTF-Cam\t30\t\n"
        "2020-05-31 02:24:00\t\t\t19.2\tABMag\tg\tP48 - ZTF-Cam\t30\t[Last non detection]\n",
        [("g", 17.1, 0.1, None, "AB"), ("g", None, None, 19.2, "AB")],
    ),
    "bars with an empty first cell": (
        "permID |provID  |obsTime             |mag |rmsMag|band\n       |2020 KB |2020-05-31T02:24:00Z|17.1|0.1   |g\n",
        [SEEN],
    ),
    "hours, minutes, seconds": (
        "year,month,day,hour,minute,second,mag,err,filter\n2020,5,31,2,24,0.0,17.1,0.1,g\n",
        [SEEN],
    ),
    "Spanish": ("Fecha,Hora (UT),Filtro,Magnitud,Error,Bueno\n2020-05-31,02:24:00,g,17.1,0.1,si\n", [SEEN]),
    "French": ("Date;Heure TU;Filtre;Magnitude;Erreur\n2020-05-31;02:24:00;g;17,1;0,1\n", [SEEN]),
    "Italian": ("Data;Ora (UT);Filtro;Magnitudine;Errore\n2020-05-31;02:24:00;g;17,1;0,1\n", [SEEN]),
    "German": ("Datum;Zeit (UT);Filter;Helligkeit;Fehler\n31.05.2020;02:24:00;g;17,1;0,1\n", [SEEN]),
    "Russian": ("дата,фильтр,звездная величина,ошибка\n2020-05-31T02:24:00,g,17.1,0.1\n", [SEEN]),
    "Chinese": ("日期,滤镜,星等,误差\n2020-05-31T02:24:00,g,17.1,0.1\n", [SEEN]),
    "a mark in French": (
        "mjd,filtre,magnitude,erreur,limite_sup\n59000.1,g,17.1,0.1,non\n59000.1,g,19.2,,oui\n",
        [SEEN, LIMIT],
    ),
    "JSON a line": (
        '{"mjd":59000.1,"filter":"g","mag":17.1,"err":0.1}\n{"mjd":59000.1,"filter":"g","mag":17.1,"err":0.1}\n',
        [SEEN, SEEN],
    ),
    "JSON by columns": ('{"mjd":[59000.1],"filter":["g"],"mag":[17.1],"err":[0.1]}', [SEEN]),
    "JSON by columns, with its object": (
        '{"target":"SN 2020abc","mjd":[59000.1],"filter":["g"],"mag":[17.1],"err":[0.1]}',
        [SEEN],
    ),
    "JSON of pandas": ('{"mjd":{"0":59000.1},"filter":{"0":"g"},"mag":{"0":17.1},"err":{"0":0.1}}', [SEEN]),
    "JSON of pandas, split": (
        '{"columns":["mjd","filter","mag","err"],"index":[0],"data":[[59000.1,"g",17.1,0.1]]}',
        [SEEN],
    ),
    "stacked by ATLAS": ("MJD,uJy,duJy,F,n\n59000.1,417,37,o,4\n", [("o", 417, 37, None, "uJy")]),
    "AB in the name": ("mjd,filter,ABmag,e_ABmag\n59000.1,g,17.1,0.1\n", [("g", 17.1, 0.1, None, "AB")]),
    "plus-minus before the error": ("mjd,filter,mag,err\n59000.1,g,17.1,\u00b10.1\n", [SEEN]),
    "spreadsheet": ("MJD;mag;err;filter;\r\n59000,1;17,1;0,1;g;\r\n;;;;\r\n", [SEEN]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_that_people_have_is_read_right_without_options(tmp_path: Path, layout: str) -> None:
    text, right = LAYOUTS[layout]
    found = points(tmp_path, text)
    values = [(one.bandpass, one.brightness, one.brightness_error, one.limit, one.unit) for one in found]
    assert values == right
    assert {one.timestamp for one in found} == {MOMENT}


@pytest.mark.parametrize(
    "text",
    [
        "mjd,g,err,err,r\n59000.1,17.1,0.1,0.2,16.5\n",
        "mjd,airmass,err,g,err\n59000.1,1.1,0.1,17.1,0.2\n",
        "mjd_g,mag_g,mjd_r,mag_i\n59000.1,17.1,59000.2,16.5\n",
        "mjd_g,mag_g (mmag),mjd_r,mag_r\n59000.1,17100,59000.2,16.5\n",
        "# filter: g\n# filter: r\nmjd mag err\n59000.1 17.1 0.1\n",
        "# filter: g and r\nmjd mag err\n59000.1 17.1 0.1\n",
        "mjd mag err filter\n7 59000.1 17.1 0.1 g\n8 59000.2 17.1 0.1 g\n",
        "fecha,hora,filtro,magnitud\n2020-05-31,02:24:00,g,17.1\n",
        '{"a":{"mjd":59000.1,"mag":17.1},"b":{"mjd":59000.2,"mag":17.2}}',
    ],
)
def test_a_layout_that_is_not_certain_is_refused(tmp_path: Path, text: str) -> None:
    assert right_or_refused(tmp_path, text) is None
