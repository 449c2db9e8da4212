"""Each rule of reading tables, over its whole kind: right, or refused; never anything else.

Tables are made from known values here, without the reader's own words and units.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from parts.tables import points, problems, right_or_refused

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError

EXAMPLES = settings(max_examples=60, deadline=None)
MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2025, 12, 31)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
)
magnitudes = st.decimals(Decimal("5.000"), Decimal("25.000"), places=3).filter(
    lambda one: str(one)[-3:] not in ("000", "999") and len({*str(one)}) > 2
)
"""No number that people type where they have none, as 22.222."""
errors = st.decimals(Decimal("0.001"), Decimal("0.900"), places=3)


def mjd(moment: datetime) -> Decimal:
    span = moment - MJD_ZERO
    return Decimal(span.days) + Decimal(span.seconds * 1000 + span.microseconds // 1000) / Decimal(86_400_000)


def right(text: str, **options: object) -> tuple[Point, ...] | None:
    with TemporaryDirectory() as folder:
        return right_or_refused(Path(folder), text, **options)


def read(text: str, **options: object) -> tuple[Point, ...]:
    with TemporaryDirectory() as folder:
        return points(Path(folder), text, **options)


def refused(text: str, **options: object) -> str:
    with TemporaryDirectory() as folder:
        return "\n".join(problems(Path(folder), text, **options))


# -- times ------------------------------------------------------------------------------------------------------------

WAYS: dict[str, Callable[[datetime], str]] = {
    "mjd": lambda moment: f"{mjd(moment):.9f}",
    "MJD-OBS": lambda moment: f"{mjd(moment):.9f}",
    "time": lambda moment: f"{mjd(moment):.9f}",
    "JD": lambda moment: f"{mjd(moment) + Decimal('2400000.5'):.9f}",
    "jd_utc": lambda moment: f"{mjd(moment) + Decimal('2400000.5'):.9f}",
    "Time (JD-2400000)": lambda moment: f"{mjd(moment) + Decimal('0.5'):.9f}",
    "JD-2400000.5": lambda moment: f"{mjd(moment):.9f}",
    "JD - 2450000": lambda moment: f"{mjd(moment) + Decimal('2400000.5') - 2_450_000:.9f}",
    "MJD-50000": lambda moment: f"{mjd(moment) - 50_000:.9f}",
    "JD (2450000+)": lambda moment: f"{mjd(moment) + Decimal('2400000.5') - 2_450_000:.9f}",
    "date": lambda moment: moment.isoformat(timespec="milliseconds").removesuffix("+00:00"),
    "UT": lambda moment: moment.strftime("%Y/%m/%d %H:%M:%S.%f")[:-3],
    "timestamp": lambda moment: (moment + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+02:00",
    "Date (UT)": lambda moment: f"{moment:%Y-%m-%d}.{f'{mjd(moment) % 1:.9f}'[2:]}",
    "obs_date": lambda moment: f"{moment:%Y-%b-%d}T{moment:%H:%M:%S.%f}"[:-3],
}


@EXAMPLES
@given(moments, st.sampled_from(sorted(WAYS)))
def test_a_time_is_right_to_the_millisecond_however_it_is_written(moment: datetime, name: str) -> None:
    assume(name != "time" or moment.year > 1995)  # days since 1858 and 1900 can't be told from each other before
    (point,) = read(f"{name},mag,filter\n{WAYS[name](moment)},18.1,g\n")
    apart = abs(point.timestamp - moment)
    assert apart <= MILLISECOND
    assert point.timestamp.microsecond % 1000 == 0 or name in ("date", "UT", "timestamp", "obs_date")


@EXAMPLES
@given(st.datetimes(datetime(1000, 1, 2), datetime(1899, 12, 30)))
def test_dates_before_1899_are_right(moment: datetime) -> None:
    """A Julian date that is named so, and ISO, reach back to the year 1000."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    jd = mjd(moment) + Decimal("2400000.5")
    for name, cell in (("JD", f"{jd:.9f}"), ("date", moment.isoformat().removesuffix("+00:00"))):
        (point,) = read(f"{name},mag,filter\n{cell},7.0,V\n")
        assert abs(point.timestamp - moment) <= MILLISECOND


@EXAMPLES
@given(
    moments.filter(lambda moment: moment.year >= 2018),
    st.sampled_from([("TAI", 37.0), ("TT", 69.184)]),
    st.sampled_from(["MJD ({0})", "mjd_{1}", "mjd [{0}]", "MJD{0}", "mjd_{1}_mid", "MJD, {0}"]),
)
def test_atomic_times_are_converted(moment: datetime, scale: tuple[str, float], name: str) -> None:
    """37 leap seconds have been counted since 2017; TT is 32.184 s ahead of TAI."""
    word, ahead = scale
    header = name.format(word, word.lower())
    text = f'"{header}",mag,filter\n{mjd(moment + timedelta(seconds=ahead)):.9f},18.1,g\n'
    found = right(text)
    assert found is None or abs(found[0].timestamp - moment) <= MILLISECOND


OTHER_CLOCKS = (
    "BJD",
    "HJD",
    "BMJD",
    "HMJD",
    "bjd_tdb",
    "BJD (TDB)",
    "Time [BJD]",
    "time_hjd",
    "MJD (TDB)",
    "mjd_tdb",
    "JD (TCB)",
    "barycentric jd",
    "heliocentric_mjd",
    "BTJD",
    "BJD-2450000",
    "HJD - 2400000",
    "JD (heliocentric)",
    "date (BJD)",
    "MJD (bary)",
    "mjd_local",
    "LST",
    "t_bjd",
)


@EXAMPLES
@given(moments, st.sampled_from(OTHER_CLOCKS), st.booleans())
def test_the_clock_of_another_place_is_never_taken_for_utc(moment: datetime, name: str, as_mjd: bool) -> None:
    cell = mjd(moment) + (0 if as_mjd else Decimal("2400000.5"))
    assert right(f"{name},mag,filter\n{cell:.6f},18.1,g\n") is None


SPANS = (
    "Time (s)",
    "time_s",
    "time [sec]",
    "T (min)",
    "time (hours)",
    "t-t0",
    "phase",
    "days since explosion",
    "time since trigger (s)",
    "MJD-T0",
    "dt",
    "delta_t",
    "Time (ks)",
    "rest phase (d)",
    "time_sec",
    "t (s)",
    "seconds",
    "days",
    "time (ms)",
)


@EXAMPLES
@given(st.floats(0.1, 99_999, allow_nan=False), st.sampled_from(SPANS))
def test_a_span_of_time_is_never_a_time(seconds: float, name: str) -> None:
    assert right(f"{name},mag,filter\n{seconds:.3f},18.1,g\n") is None


@EXAMPLES
@given(
    moments,
    st.integers(-40, 40).filter(lambda days: abs(days) > 1),
    st.sampled_from(["date", "JD", "obs_date", "utc", "created", "night"]),
)
def test_a_second_time_that_disagrees_is_never_passed_over(moment: datetime, days: int, name: str) -> None:
    other = moment + timedelta(days=days)
    cell = f"{mjd(other) + Decimal('2400000.5'):.6f}" if name == "JD" else other.strftime("%Y-%m-%dT%H:%M:%S")
    assert right(f"mjd,{name},mag,filter\n{mjd(moment):.6f},{cell},18.1,g\n") is None


@EXAMPLES
@given(moments, st.sampled_from(["date", "JD", "obs_date", "utc"]), st.booleans())
def test_a_second_time_that_agrees_is_kept(moment: datetime, name: str, comes_first: bool) -> None:
    cell = f"{mjd(moment) + Decimal('2400000.5'):.6f}" if name == "JD" else moment.strftime("%Y-%m-%dT%H:%M:%S")
    order = [(name, cell), ("mjd", f"{mjd(moment):.6f}")]
    names, cells = zip(*(order if comes_first else order[::-1]), strict=True)
    (point,) = read(f"{','.join(names)},mag,filter\n{','.join(cells)},18.1,g\n")
    assert abs(point.timestamp - moment) <= timedelta(seconds=1)
    assert name in point.extra


@EXAMPLES
@given(
    moments,
    st.sampled_from(
        [
            ("Date", "UT"),
            ("DATE-OBS", "TIME-OBS"),
            ("date", "time"),
            ("obs_date", "ut_time"),
            ("UT date", "UTC"),
            ("day", "UT"),
        ]
    ),
)
def test_a_day_and_a_time_of_day_belong_together(moment: datetime, names: tuple[str, str]) -> None:
    moment = moment.replace(microsecond=0)
    found = right(f"{names[0]},{names[1]},mag,filter\n{moment:%Y-%m-%d},{moment:%H:%M:%S},18.1,g\n")
    assert found is None or found[0].timestamp == moment
    assert found is not None or names[0] == "day"


@EXAMPLES
@given(
    st.dates(datetime(1970, 1, 1).date(), datetime(2025, 12, 31).date()),
    st.sampled_from(["date", "Date", "DATE-OBS", "obsdate"]),
)
def test_a_day_is_never_its_midnight(day: object, name: str) -> None:
    assert "no time of day" in refused(f"{name},mag,filter\n{day},18.1,g\n")


# -- limits -----------------------------------------------------------------------------------------------------------

Marked = list[tuple[Decimal, bool]]
rows = st.lists(st.tuples(magnitudes, st.booleans()), min_size=1, max_size=6).filter(
    lambda found: any(one for _, one in found)
)
MARKS: dict[str, tuple[str, str, str]] = {
    "UL <": ("UL", "<", ""),
    "UL >": ("UL", ">", ""),
    "UL yes": ("UL", "Y", "N"),
    "UL 1": ("UL", "1", "0"),
    "limit <": ("limit", "<", ""),
    "upper_limit": ("upper_limit", "True", "False"),
    "uplim": ("uplim", "1", "0"),
    "is_limit": ("is_limit", "true", "false"),
    "nondet": ("nondet", "1", "0"),
    "non_detection": ("non_detection", "t", "f"),
    "detected": ("detected", "0", "1"),
    "detection": ("detection", "no", "yes"),
    "det": ("det", "U", "D"),
    "l_mag": ("l_mag", ">", ""),
    "l_mag <": ("l_mag", "<", ""),
    "limitflag": ("limit_flag", "1", "0"),
    "unnamed": ("<", "<", ""),
    "note": ("x", "<", ""),
    "type": ("type", "UL", "det"),
    "flag": ("flag", "<", ""),
    "flag 1": ("flag", "1", "0"),
    "quality": ("status", "limit", "ok"),
    "comment": ("comment", "upper limit", ""),
    "remark": ("remarks", "3-sigma limit", "good"),
    "sign": ("op", ">", "="),
    "mask": ("ulmask", "1", "0"),
}


@EXAMPLES
@given(rows, st.sampled_from(sorted(MARKS)))
def test_a_limit_marked_in_a_column_of_its_own_is_never_a_detection(found: Marked, mark: str) -> None:
    name, limit, seen = MARKS[mark]
    lines = [
        f"{60000 + number}.5,{value},{limit if is_limit else seen},r" for number, (value, is_limit) in enumerate(found)
    ]
    answer = right("\n".join([f"mjd,mag,{name},filter", *lines, ""]))
    if answer is not None:
        assert [(point.brightness, point.limit) for point in answer] == [
            (None, float(value)) if is_limit else (float(value), None) for value, is_limit in found
        ]


@EXAMPLES
@given(rows, st.sampled_from(["<{}", ">{}", "< {}", "> {}", "<={}", ">={}", "\u2264{}", "\u2265{}", "$<${}", ">~{}"]))
def test_a_limit_marked_in_its_cell_is_never_a_detection(found: Marked, mark: str) -> None:
    lines = [
        f"{60000 + number}.5,{mark.format(value) if is_limit else value},r"
        for number, (value, is_limit) in enumerate(found)
    ]
    answer = read("\n".join(["mjd,mag,filter", *lines, ""]))
    assert [(point.brightness, point.limit) for point in answer] == [
        (None, float(value)) if is_limit else (float(value), None) for value, is_limit in found
    ]


@EXAMPLES
@given(
    magnitudes,
    st.sampled_from(["-1", "-1.0", "0", "0.0", "inf", "-inf", "99", "99.99", "-99", "999.0", "9.99", "-9.99"]),
)
def test_an_error_that_is_none_is_refused_and_nobody_is_told_to_empty_the_cell(value: Decimal, error: str) -> None:
    told = refused(f"mjd,mag,magerr,filter\n60000.5,{value},{error},r\n")
    assert "mark limits" in told


@EXAMPLES
@given(
    magnitudes,
    st.sampled_from(
        ["Vmag", "gmag", "mag_r", "V", "Mag (V)", "m_B", "PSF mag", "my_mag", "Vinst", "KronMag", "J", "w1mag"]
    ),
)
def test_limits_never_stand_alone_where_a_column_may_be_the_brightness(value: Decimal, name: str) -> None:
    found = right(f"mjd,{name},limit,filter\n60000.5,{value},21.0,\n".replace(",\n", ",V\n"))
    assert found is None or found[0].brightness == float(value)


# -- units ------------------------------------------------------------------------------------------------------------

IN_UJY = {"Jy": 1e6, "mJy": 1e3, "uJy": 1.0, "nJy": 1e-3}
WRITTEN = (
    "flux ({})",
    "flux [{}]",
    "flux_{}",
    "flux({})",
    "Flux density ({})",
    "brightness ({})",
    "brightness [{}]",
    "psf_flux_{}",
    "flux in {}",
)


@EXAMPLES
@given(
    st.floats(-1e4, 1e4).filter(lambda value: value != 0),
    st.sampled_from(sorted(IN_UJY)),
    st.sampled_from(WRITTEN),
    st.sampled_from(sorted(IN_UJY)),
)
def test_a_flux_is_published_in_its_unit(value: float, unit: str, name: str, error_unit: str) -> None:
    header = name.format(unit)
    found = right(f"mjd,{header},fluxerr ({error_unit}),filter\n60000.5,{value!r},2.5,r\n")
    if found is not None:
        (point,) = found
        assert point.unit in IN_UJY
        assert point.brightness is not None
        close(point.brightness * IN_UJY[point.unit], value * IN_UJY[unit])
        if point.brightness_error is not None:
            close(point.brightness_error * IN_UJY[point.unit], 2.5 * IN_UJY[error_unit])
        else:
            assert f"fluxerr ({error_unit})" in point.extra


def close(one: float, other: float) -> None:
    assert abs(one - other) <= 1e-9 * abs(other)


@EXAMPLES
@given(
    magnitudes,
    errors,
    st.sampled_from(["err (mmag)", "magerr [mmag]", "e_mag (mmag)", "error_mmag", "mag_err(millimag)", "sigma (mmag)"]),
)
def test_an_error_in_millimagnitudes_is_never_one_in_magnitudes(value: Decimal, error: Decimal, name: str) -> None:
    found = right(f"mjd,mag,{name},filter\n60000.5,{value},{error * 1000},r\n")
    assert found is None or found[0].brightness_error == float(error)


@EXAMPLES
@given(
    st.integers(1, 600),
    st.sampled_from(["exposure [{}]", "exptime ({})", "exptime_{}", "Exp. time ({})", "t_exp({})"]),
    st.sampled_from([("s", 1), ("sec", 1), ("min", 60), ("minutes", 60), ("h", 3600), ("hr", 3600), ("ms", 0.001)]),
)
def test_an_exposure_is_in_seconds(value: int, name: str, unit: tuple[str, float]) -> None:
    found = right(f"mjd,mag,filter,{name.format(unit[0])}\n60000.5,18.1,r,{value}\n")
    if found is not None and found[0].exposure_time is not None:
        close(found[0].exposure_time, value * unit[1])


@EXAMPLES
@given(
    st.floats(-1e5, 1e5).filter(lambda value: abs(value) > 1e-3),
    st.floats(20, 32),
    st.sampled_from(["zp", "ZP", "zeropoint", "zero_point", "magzp"]),
    st.sampled_from([("magsys", "ab"), ("zpsys", "AB"), ("magsys", "vega"), ("magsys", ""), ("x", "ab")]),
)
def test_a_flux_with_a_zero_point_is_calibrated_or_refused(
    value: float, zero_point: float, name: str, system: tuple[str, str]
) -> None:
    text = f"mjd,flux,fluxerr,{name},{system[0]},filter\n60000.5,{value!r},1.0,{zero_point!r},{system[1]},g\n"
    found = right(text)
    if found is None:
        assert system not in (("magsys", "ab"), ("zpsys", "AB"))
    else:
        assert system[1].lower() == "ab"
        assert found[0].brightness is not None
        assert found[0].unit == "uJy"
        assert abs(found[0].brightness / (value * 10 ** (-0.4 * (zero_point - 23.9))) - 1) < 1e-9
    assert "leave it out" in refused(text, given={"unit": "uJy"})


@EXAMPLES
@given(
    magnitudes,
    st.sampled_from(["AB", "ab", "Vega", "VEGA", "vega", "Johnson", "x"]),
    st.sampled_from(["magsys", "system", "mag_system"]),
)
def test_a_magnitude_system_is_published_or_refused(value: Decimal, system: str, name: str) -> None:
    found = right(f"mjd,mag,{name},filter\n60000.5,{value},{system},g\n")
    if found is None:
        assert system.lower() not in ("ab", "vega")
    else:
        assert found[0].unit.lower() == system.lower()


@EXAMPLES
@given(
    st.floats(-1e3, 1e3).filter(lambda value: value != 0),
    magnitudes,
    st.sampled_from(["limmag", "limit", "limiting_mag", "maglim"]),
)
def test_a_limit_in_magnitudes_is_never_one_of_a_flux(value: float, limit: Decimal, name: str) -> None:
    found = right(f"mjd,flux (uJy),{name},filter\n60000.5,{value!r},{limit},g\n")
    assert found is None or found[0].limit is None


# -- what is left -----------------------------------------------------------------------------------------------------

word = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=12)
cells = st.one_of(
    st.integers(0, 3).map(str),
    st.floats(-1e3, 1e3).map(str),
    word,
    st.sampled_from(["", "<", ">", "true", "false", "UL"]),
)


@settings(max_examples=200, deadline=None)
@given(word, st.lists(cells, min_size=2, max_size=2))
def test_a_further_column_never_changes_a_value_but_as_a_mark(name: str, further: list[str]) -> None:
    """Whatever its name: it is kept, or used as what it plainly is, or the table is refused."""
    found = right(f"mjd,mag,magerr,filter,{name}\n60000.5,18.1,0.05,g,{further[0]}\n60001.5,18.2,0.06,g,{further[1]}\n")
    if found is None:
        return
    for point, value, error, cell in zip(found, (18.1, 18.2), (0.05, 0.06), further, strict=True):
        assert (point.brightness, point.limit) in ((value, None), (None, value)) or point.limit == number(cell)
        if point.brightness is not None:
            assert (point.brightness, point.brightness_error) == (value, error)
        elif point.limit == value:
            assert cell not in ("", "0", "false")


def number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


@EXAMPLES
@given(
    st.sampled_from(["object", "target", "name", "star", "oid", "obj_id", "SN"]),
    st.lists(word.map("SN_{}".format), min_size=2, max_size=4, unique=True),
)
def test_rows_of_several_objects_are_never_those_of_one(name: str, objects: list[str]) -> None:
    lines = [f"{60000 + number}.5,18.1,g,{one}" for number, one in enumerate(objects)]
    assert right("\n".join([f"mjd,mag,filter,{name}", *lines, ""])) is None


@EXAMPLES
@given(
    st.sampled_from(
        [
            "times are barycentric",
            "BJD",
            "all times in TDB",
            "JD-2400000",
            "times are MJD - 50000",
            "heliocentric corrected times",
            "errors in mmag",
            "errors are 3-sigma",
            "uncertainties at 90% confidence",
            "negative errors are upper limits",
            "values without errors are 3-sigma upper limits",
            "magnitudes are instrumental magnitudes",
            "seconds since the burst",
        ]
    ),
    st.sampled_from(["# ", "#", "## ", "% "]),
    st.booleans(),
)
def test_a_comment_that_changes_the_meaning_is_never_passed_over(comment: str, mark: str, below: bool) -> None:
    head, line = "time,mag,err,filter\n", f"{mark}{comment}\n"
    text = (head + line if below else line + head) + "60000.5,18.1,0.05,g\n"
    assert right(text) is None


@EXAMPLES
@given(
    st.lists(st.tuples(magnitudes, st.booleans()), min_size=2, max_size=8).filter(
        lambda one: any(held for _, held in one)
    )
)
def test_empty_rows_are_left_out_and_counted_only_when_that_is_asked_for(found: Marked) -> None:
    lines = [f"{60000 + number}.5,{value if held else ''},g" for number, (value, held) in enumerate(found)]
    text = "\n".join(["mjd,mag,filter", *lines, ""])
    empty = sum(not held for _, held in found)
    assert len(read(text, skip_empty=True)) == len(found) - empty
    if empty:
        assert "holds no value" in refused(text)


@EXAMPLES
@given(magnitudes, magnitudes, st.sampled_from(["mag_ap", "Vmag", "magnitude", "magpsf", "gmag"]))
def test_what_is_said_of_columns_is_done(one: Decimal, other: Decimal, name: str) -> None:
    text = f"mjd,mag,{name},my err,filter\n60000.5,{one},{other},0.05,g\n"
    (point,) = read(text, columns=f"brightness={name},error=my err,extra=mag")
    assert (point.brightness, point.brightness_error, point.extra["mag"]) == (float(other), 0.05, float(one))


def test_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, "mjd,mag,band\n60000.5,18,V\n", columns="brightness=Mag")
    assert "there is no column 'Mag' (found: mjd, mag, band)" in told


def test_what_is_said_wrongly_of_columns_is_told(tmp_path: Path) -> None:
    for columns in ("mag", "colour=mag", "brightness=", "error=a,error=b"):
        try:
            right_or_refused(tmp_path, "mjd,mag,band\n60000.5,18,V\n", columns=columns)
        except SourceError as error:  # pragma: no cover - right_or_refused takes it
            raise AssertionError(columns) from error
        assert right_or_refused(tmp_path, "mjd,mag,band\n60000.5,18,V\n", columns=columns) is None


@EXAMPLES
@given(
    st.integers(50_000, 65_000),
    st.sampled_from([("UT", "06:15:00"), ("time", "6:15"), ("hour", "6.25"), ("frac", "0.26"), ("UTC", "06:15:00")]),
    st.sampled_from([("MJD", 0), ("JD", 2_400_000)]),
)
def test_a_whole_day_is_never_its_midnight_where_another_column_has_the_time(
    day: int, clock: tuple[str, str], count: tuple[str, int]
) -> None:
    text = f"{count[0]},{clock[0]},mag,filter\n{day + count[1]},{clock[1]},18.1,g\n"
    assert "time of day" in refused(text)


@EXAMPLES
@given(
    moments,
    st.sampled_from(["tz", "timezone", "UTC offset"]),
    st.sampled_from(["-7", "+02:00", "CEST", "PDT", "UTC", "0"]),
)
def test_the_zone_in_another_column_is_never_passed_over(moment: datetime, name: str, zone: str) -> None:
    found = right(f"date,{name},mag,filter\n{moment:%Y-%m-%dT%H:%M:%S},{zone},18.1,g\n")
    assert (found is not None) == (zone in ("UTC", "0"))


@EXAMPLES
@given(
    magnitudes,
    st.sampled_from(["err", "error", "sigma", "unc"]),
    st.sampled_from(["flux (uJy)", "flux", "uJy"]),
    st.booleans(),
)
def test_an_error_that_may_be_the_fluxs_is_never_the_magnitudes(
    value: Decimal, name: str, flux: str, is_clear: bool
) -> None:
    clear = ",fluxerr" if is_clear else ""
    found = right(f"mjd,mag,{name},{flux},filter{clear}\n60000.5,{value},0.5,120.5,g{',7.5' if is_clear else ''}\n")
    assert (found is None) is not is_clear
    assert found is None or found[0].brightness_error == 0.5


@EXAMPLES
@given(st.sampled_from(["zp", "zeropoint"]), st.sampled_from(["unit", "flux_unit"]))
def test_a_flux_with_a_unit_and_a_zero_point_is_refused(zero_point: str, unit: str) -> None:
    assert right(f"mjd,flux,{zero_point},magsys,{unit},filter\n60000.5,120.5,25,ab,uJy,g\n") is None


@EXAMPLES
@given(
    magnitudes,
    st.sampled_from(["1 sigma", "1-sigma", "3 sigma", "3\u03c3", "90%", "5-sigma", "2 sigma"]),
    st.sampled_from(["err", "magerr"]),
)
def test_an_error_of_more_than_a_sigma_is_never_one_of_a_sigma(value: Decimal, sigmas: str, name: str) -> None:
    found = right(f"mjd,mag,{name} ({sigmas}),filter\n60000.5,{value},0.3,g\n")
    assert (found is not None) == sigmas.startswith("1")
    assert found is None or found[0].brightness_error == 0.3
