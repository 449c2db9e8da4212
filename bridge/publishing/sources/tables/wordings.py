"""Words by which people say, in free text, that values are not what their columns say.

Free text can't be understood. So text that speaks of values, times or errors may hold only words of which each is known
to change none of them (:data:`_NEUTRAL`), and names; and no text may speak of a change, a fault or an exception
(:data:`_KINDS`). Each kind has what the reader assumes without the text, for the message, and the role that settles it
where a person names the column.
"""

import re
from collections.abc import Iterator

from bridge.publishing.sources.tables.words import words

_HARMLESS = re.compile(
    r"bad (?:pix\w*|columns?|weather|seeing)|"
    r"(?:aperture|bias|dark|flat\w*|sky|background|overscan|colou?r|psf|airmass)"
    r"[- ]?(?:field|term)?[- ]?(?:correct\w*|scaled|subtract\w*)|"
    r"(?:host|template|galaxy|image|reference)\w*[- ](?:flux |template )?(?:subtract\w*)|"
    r"scaled templates?|differential (?:atmospheric )?refraction|arbitrary (?:names?|ids?)|"
    r"first (?:author|light)|in the last column|psf[- ]?(?:fit\w*|models?)|test (?:site|camera)|"
    r"(?:(?:values?|mag\w*) )?(?:are |were |is )?(?:not |no )(?:been )?correct(?:ed|ion)s?"
    r"(?: for (?:\w+ ){0,4}(?:extinction|redden\w*|dust|absorption))?|"
    r"\buncorrected|(?:no|not) (?:k|s)-?correct\w*|(?:https?://|www\.|doi:|10\.\d{4,})\S+|\S+@\S+|"
    r"e\(b-v\) ?= ?[\d.]+",
    re.IGNORECASE,
)
"""What sounds alike and changes nothing."""
_UNIT_OF_TIME = r"(?:h|hrs?|hours?|d|days?|min|minutes?|s|sec|seconds?)\b"
_ROWS = (
    r"(?:points?|rows?|lines?|nights?|epochs?|measurements?|observations?|values?|entr(?:y|ies)|data|mags?|spectr\w+)"
)
_KINDS = (
    (
        "brightness",
        "values are measured",
        r"simulat|synthe(?:tic|si[sz]ed)|\bfake\b|\bmock\b|\bdummy\b|placeholder|made[- ]up|"
        rf"artificial|\btest(?:s|ing)?\b|\bmodel(?:l?ed)? (?:\w+ )?{_ROWS}|from (?:a |the )?models?\b|"
        r"\bmodell?ed\b|interpolat|\brandom|\bfit(?:ted)? (?:by|with|of)|extrapolat|\bpredict|"
        r"\bforecast|theoretical|digiti[sz]ed|by eye|smoothed|\bdetrend|phase[- ]?(?:fold|bin)|folded|"
        r"in phase|normali[sz]ed",
    ),
    (
        "brightness",
        "values are good, and meant for others",
        r"supersed|obsolete|deprecated|outdated|withdrawn|\bwrong|incorrect|erroneous|mistake|"
        r"do(?:es)? ?n[o']t (?:use|publish|share|trust)|"
        r"(?:not|never) (?:to )?be (?:used|trusted|published|shared)|unreliable|not reliable|"
        r"suspicious|\bsuspect|doubtful|questionable|untrust|\bbad\b|spoil|"
        r"to be (?:convert|correct|calibrat|check|redone|remov|replac|shift|scal|subtract|add|multipl)|"
        r"needs? (?:to be |a )?(?:convert|conversion|correct|calibrat|shift|scal)|\btodo\b|fixme|"
        r"embargo|\bprivate\b|confidential|will change|swapped|mis-?label|duplicat|"
        r"\bquality\b.*\b(?:poor|low|bad)\b|\b(?:poor|low)\b.*\bquality\b|"
        r"should be (?:ignor|remov|skipp|discard)",
    ),
    (
        "brightness",
        "values are used as they are",
        r"multipl(?:y|ied)|\bdivided?\b|\bscaled\b|\bshift(?:s|ed)?\b|"
        r"\boffset\b(?! (?:from|guid|sky|in ra))|\badjusted\b|"
        r"\b(?:add|added|adding|subtract|subtracted|subtracting|minus|plus)\b[^.;]*\d|"
        r"(?:mean|median|trend|magnitude) subtracted|\b(?:var\w*|target|v) ?(?:-|minus) ?(?:c\b|comp)|"
        rf"(?<!\ba)(?<!\bphas)[a-z)] ?[-+\u2212] ?\d+(?:\.\d+)? ?{_UNIT_OF_TIME}",
    ),
    (
        "brightness",
        "magnitudes are calibrated",
        r"differen[tc]ial|instrument(?:al|ell) (?:mag|val)|\bcalibrated:? (?:false|no\b|0)|"
        r"uncalibrated|not (?:yet |been |absolutely )*calibrated|nicht kalibr|\barbitrary\b|"
        r"relative (?:to (?:the )?(?:comp|check|ref|star|field|ensemble|nearby)|mag|flux|phot|values?|bright|unit)|"
        r"zero[- ]?points?\W+(?:(?:is|are|was|were)\W+)?(?:un|not|approx|rough|assum|wrong|guess|preliminary)|"
        r"2\.5 ?\*? ?log|\bdelta[- ]?mag",
    ),
    (
        "brightness",
        "values are the target's",
        r"\bhosts? (?:galaxy )?of\b|"
        r"(?:magnitudes?|mags|photometry|values|fluxes|this) (?:are |is )?(?:of|for) (?:the )?"
        r"(?:host|comp|check|nucleus|ref)|"
        r"\bnot the (?:sn|supernova|target|transient|object|star)\b",
    ),
    (
        "brightness",
        "values are as observed",
        r"\babsolute\b(?! (?:\w+ )?(?:calib|phot|astrom|scale|time|date|zero))|"
        r"rest[- ]?frame|\bat rest\b|\brest (?:mag|flux|wave|days?|phase)|\bto 10 pc\b|"
        r"(?:extinction|reddening|dust)\w* (?:was |were |is )?removed|"
        r"\bremoved\b.*(?:extinction|redden)|\bav ?= ?[\d.]+ removed",
    ),
    (
        "error",
        "errors are of 1 sigma",
        r"(?:\b9\d(?:\.\d+)? ?(?:%|per ?cent)|\b[2-9](?:\.\d)? ?-?(?:sigma|\u03c3))\W+(?:\w+\W+){0,2}(?:err|unc|conf)|"
        r"\b(?:err|unc)\w*.*\b9\d(?:\.\d+)? ?(?:%|per ?cent)|variances?\b",
    ),
    (
        "time",
        "times are UTC",
        r"clock (?:was|is|ran|runs|err|drift|off|correct)|"
        rf"\b(?:slow|fast|late|early|ahead|behind) by\b|{_UNIT_OF_TIME} (?:slow|fast|late|early|ahead|behind)\b|"
        r"\bdut\b|\b(?:ut|utc|gmt) ?[-+\u2212] ?(?!0)\d{1,2}(?:[:.]\d\d)?(?!\d|-)|"
        r"(?:hora|heure|ora|tiempo|zeit\w*) (?:local\w*|locale|in m)|ortszeit|\bme[sd]?z\b|"
        r"\b(?:cest|brt|jst|edt|pdt|mst|aest|nzst|msk)\b|\bcivil time|wall clock|\bsidereal|\blt\b|"
        r"local (?:\w+ )?(?:time|date|evening|hour)|daylight saving|leap seconds?|\btai\b.*\bseconds?|"
        r"seconds? .*\btai\b|\bnoon\b",
    ),
    (
        "brightness",
        "all rows are alike",
        rf"\b(?:first|second|third|last|final|\d+(?:st|nd|rd|th)|some|remaining)\s+(?:\w+\s+){{0,2}}{_ROWS}\b(?!\s*(?::|=|on\b|at\b|date))|"
        r"\b(?:points?|rows?|lines?|epochs?) (?:no\.? ?|# ?)?\d|\bmarked\b|asterisk|\bdagger\b|"
        r"in (?:parenthes|bracket|italic|bold)|\bexcept\b",
    ),
)
_PATTERNS = tuple((role, assumed, re.compile(pattern)) for role, assumed, pattern in _KINDS)
_ANY = re.compile("|".join(pattern for _, _, pattern in _KINDS))
_DENIED = re.compile(r"\b(?:not|no|nor|without|never) (?:\w+ ){0,2}$|\bnon-?$")
_MUST_NOT_BE_DENIED = re.compile(r"not|never|n't|un|false|no\b")

_NOT_AS_OBSERVED = re.compile(
    r"rest[- ]?(?:frame|wave)|de-?redshift|redshift (?:\w+ )?(?:corrected|removed)|normali[sz]ed|"
    r"continuum[- ]subtracted"
)
_NO_SPECTRUM = re.compile(
    r"\b(?:model|best)[- ]?fit|\bfit(?:ted)?[- ](?:model|spectrum)|(?<!host )(?<!galaxy )\btemplate\b(?! subtract)|"
    r"\b(?:galaxy|sn|stellar) template\b(?! subtract)|\blog(?:10|e)?[ _(]*(?:lam|wave)",
)
_TOPICS = words(
    "brightness brightnesses column columns date dates err error errors errs flux fluxes jd jds mag "
    "magnitude magnitudes mags mjd mjds point points row rows sigma sigmas time times uncertainties "
    "uncertainty value values zeropoint zeropoints zp "
)
"""Words that say that a text speaks of what the columns hold."""
_NEUTRAL = _TOPICS | words(
    "a ab above against airmass all also an and aperture apparent applied archive arcmin arcsec "
    "arcseconds are as at average averaged averages b background band bandpass bands be been begin "
    "beginning below bessell both by c calibrate calibrated calibrating calibration camera catalog "
    "catalogue ccd chart check cmos coadd coadded code color colour combined comment comments comparison "
    "cousins created curve data day days dd dec decimal deg degrees denote denoted denotes detected "
    "detection detections deviation difference downloaded e each ensemble equinox exported exposure "
    "exposures exptime field file filter filters first following for forced format frame frames from full "
    "fwhm g galaxy generated given gmt h has have header here hh host hour hours i icrs id ids image "
    "images imaging in included instrument into is iso isot it its j johnson julian k license light "
    "lightcurve limit limiting limits list m mean means measured measurement measurements median mid "
    "middle midexposure midpoint midtime min modified moon n name names night nightly noise note notes "
    "nova number o object objects obs observation observations observatory observed observer observers of "
    "on one or our output package paper passband passbands per photometric photometry photon pipeline "
    "pixel pixels poisson position positions psf public published quoted r ra radius random ratio reduced "
    "reduction reference references respectively retrieved rms s sec second secondary seconds see seeing "
    "sequence series signal single site sky sloan sn snr software source sources ss st stack stacked "
    "stacks standard star stars start statistical subtracted subtraction supernova survey system "
    "systematic systems table target telescope template templates term terms than that the their these "
    "this to transformation transformed transient u under unit units universal upper use used using ut "
    "utc v vega version via w was we weighted were when where which with within written y yyyy z "
)
_TOKEN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_TIMES = re.compile(r"(?<![\w.])x ?\d|(?<![\w.])\d+(?:\.\d+)? ?x(?!\w| ?\d)|/ ?10+\b")


def doubts(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a text casts doubt on: the role that settles it, and what is assumed without the text."""
    lowered = _HARMLESS.sub("", text.lower().replace("_", " "))
    if not _ANY.search(lowered):
        return
    for role, assumed, pattern in _PATTERNS:
        for found in pattern.finditer(lowered):
            is_denied = _DENIED.search(lowered[: found.start()]) and not _MUST_NOT_BE_DENIED.match(found[0])
            if not is_denied:
                yield role, assumed
                break


def is_no_spectrum(text: str) -> bool:
    """Return whether a text says that a spectrum is at rest, normalised, a model, or over log wavelengths."""
    lowered = text.lower()
    return bool(_NO_SPECTRUM.search(lowered)) or is_at_rest(lowered)


def is_at_rest(text: str) -> bool:
    """Return whether a text, in lower case, says that a spectrum is at rest, normalised or without its continuum."""
    found = _NOT_AS_OBSERVED.search(text)
    return found is not None and not re.search(r"\bnot\b|\bno\b|\bnor\b|\bun\w+ed\b|\bfalse\b", text)


def not_understood(text: str, known: frozenset[str]) -> str:
    """Return the word in a text on values of which nothing says that it changes none of them; else nothing.

    ``known`` are further words, in lower case, that change nothing: the table's own names and units. Names, in capital
    letters or with digits, are no such words.
    """
    bare = _HARMLESS.sub("", text.replace("_", " "))
    tokens: list[str] = _TOKEN.findall(bare)
    if not any(token.lower() in _TOPICS for token in tokens):
        return ""
    if found := _TIMES.search(bare):
        return found[0].strip()
    has_names = any(token[0].islower() and len(token) > 3 for token in tokens)
    for number, token in enumerate(tokens):
        is_name = has_names and token[0].isupper() and (number > 0 or not token[1:].islower())
        if not is_name and not {*token.lower().split("-")} <= _NEUTRAL | known:
            return token
    return ""
