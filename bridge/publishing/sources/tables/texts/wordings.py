"""Words by which people say, in free text, that values are not what their columns say.

Free text can't be understood. So text that speaks of values, times or errors may hold only words of which each is known
to change none of them (:mod:`neutral`), and names; and no text may speak of a change, a fault or an exception
(:data:`_KINDS`). Each kind has what the reader assumes without the text, for the message, and the role that settles it
where a person names the column.
"""

import re
from collections.abc import Iterator

HARMLESS = re.compile(
    r"bad (?:pix\w*|columns?|weather|seeing)|"
    r"(?:aperture|bias|dark|flat\w*|sky|background|overscan|colou?r|psf|airmass)"
    r"[- ]?(?:field|term)?[- ]?(?:correct\w*|scaled|subtract\w*)|"
    r"(?:host|template|galaxy|image|reference)\w*[- ](?:flux |template )?(?:subtract\w*)|"
    r"scaled templates?|differential (?:atmospheric )?refraction|arbitrary (?:names?|ids?)|"
    r"first (?:author|light)|in the last column|psf[- ]?(?:fit\w*|models?)|test (?:site|camera)|"
    r"(?:^|(?:values?|mag\w*|data|photometry) )(?:are |were |is |have |has )?(?:not |no )(?:been )?correct(?:ed|ion)s?"
    r"(?: for (?:\w+ ){0,4}(?:extinction|redden\w*|dust|absorption))?|"
    r"\buncorrected|(?:no|not) (?:k|s)-?correct\w*|\bnot saturated|\bdifference imaging|"
    r"\bnot (?:been )?corrected for (?:\w+ ){0,4}(?:extinction|redden\w*|dust|absorption)|^sep=.$|"
    r"[a-z][\w-]+(?:\.[a-z][\w-]+){2,}|(?:https?://|www\.|doi:|10\.\d{4,})\S+|\S+@\S+|"
    r"e\(b-v\) ?= ?[\d.]+(?![\d.])(?! ?(?:mag )?(?:(?:was|is|were|has been) )?(?:appl|remov|used|corr|subtr|taken))|"
    r"no (?:host|template|sky|galaxy) subtraction|"
    r"\w*[ -]?corrected\W+(?:false|no|none|0)\b|"
    r"(?:host|galaxy|template)(?: \w+)? (?:is |was )?not (?:been )?subtracted|"
    r"(?:do|does) not include (?:the )?(?:zero[- ]?point|systematic|calibration)[\w ]*|"
    r"includ(?:e|ing) (?:the )?(?:uncertaint\w+|errors?|scatter) (?:of|in) (?:the )?"
    r"(?:zero[- ]?points?|calibration|comparison stars)|"
    r"no (?:\w+ )?extinction (?:correction )?(?:was |is |has been )?applied|"
    r"(?:available )?in its entirety(?: in machine[- ]readable form)?|errors? (?:are )?(?:given )?in parentheses|"
    r"\bflat-?fielded|\bbias-subtracted|used for (?:\w+ )?subtraction|plate scale [\d.]+ ?(?:arcsec)?(?:/pix\w*)?|"
    r"(?:weather|conditions)\W+(?:was |were )?(?:clear|photometric|good|cloudy)|"
    r"(?:against|with|to|using) gaia (?:e?dr3 )?(?:xp )?synthetic phot\w+|"
    r"cosmic[- ]rays? (?:were |are |was )?(?:removed|cleaned|rejected)|"
    r"(?:statistical|photon noise) (?:errors? |uncertaint\w+ )?only|"
    r"distance\W+[\d.]+ ?[kMG]pc|end of (?:file|table|data|list)|"
    r"^date: \d{4}-\d\d-\d\dt[\d:]+ \[v[\d.+]+(?: \(\d\d-[a-z]{3}-\d{4}\))?\]$|"
    r"after (?:sigma[- ]?)?clipping|included in the stacked detection, after$|^clipping\)$|"
    r"^coosys\s+j2000:\s+eq_fk5 j2000$|^resource=ycat_\w+$|^(?:info|table)\s+[-\w.=]+:?$|"
    r"^in case of problem, please report to:.*|^info\s+votable-version=[\d.+]+ \(\d\d-[a-z]{3}-\d{4}\)$|"
    r"^status\W+(?:success|ok)$|"
    r"extinction (?:is |was |has )?(?:not|never) (?:been )?(?:removed|applied|corrected)|"
    r"\b(?:mw|milky way) (?=extinction not )|"
    r"no (?:\w+ )?extinction or k-? ?corrections? (?:was |were |is |has been )?applied|"
    r"^last (?:update|change|modified|modification)d?\W+[-\d:t /.]+z?$|"
    r"mjd ?= ?jd ?- ?2,?400,?000\.5|if you (?:make )?use (?:of )?(?:these|this|the) data,? please cite",
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
        r"\b(?:twice|doubled|halved|inverted|reversed)\b|\b(?:plus|minus) (?:one|two|half|a)\b|multipl(?:y|ied)|"
        r"\bdivided?\b|\bscaled\b|\bshift(?:s|ed)?\b|"
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
        r"\b(?:st|natural|instrumental) (?:mag\w* )?system|\bstmag|\bflux ratio|"
        r"\bno calibration\b(?! (?:frame|star|image))|"
        r"relative (?:to (?:the )?(?:comp|check|ref|star|field|ensemble|nearby)|mag|flux|phot|values?|bright|unit)|"
        r"zero[- ]?points?\W+(?:(?:is|are|was|were)\W+)?(?:un|not|approx|rough|assum|wrong|guess|preliminary)|"
        r"\b(?:zero[- ]?point|zp)\w*\W+(?:(?:is|of|was|at)\W+)?\d\d(?:\.\d+)?\b|\bunits?\W+(?:(?:is|are|of|in)\W+)*\d|"
        r"\b\d+(?:\.\d+)? ?m?mags? units?\b|\bf[_ ]?lam\w* ?[*x] ?lam|\b(?:mag\w*|flux) zero\W+\d|"
        r"\bin units of the (?:comp|standard|ref|mean|max|peak|host|sky)|"
        r"\bcv\b(?! (?:star|cand))|2\.5 ?\*? ?log|\bdelta[- ]?mag",
    ),
    (
        "brightness",
        "values are the target's",
        r"^\W*(?:the )?(?:host(?: galaxy)?|(?:comparison|check|reference|field) star|nucleus|sky|background)\W*$|"
        r"\bhosts? (?:galaxy )?of\b|\b(?:comparison|check|reference|standard|field) star of\b|"
        r"\b(?:rows?|points?) (?:are |is )?of (?:the )?(?:comp|check|host|sky)|(?:^|: ?)of the (?:comp|check|host|sky)|"
        r"\b(?:data|photometry|magnitudes?) of the ref|\bto be observed\b|"
        r"\b(?:companion|fainter|brighter)\b(?! than)|\b(?:nucleus|core|component|member) of\b|"
        r"(?:magnitudes?|mags|photometry|values|fluxes|this|light ?curves?|data|measurements|observations|spectr\w+|"
        r"positions?|"
        r"table|^\W*) ?(?:are |is )?(?:of|for) (?:the |a )?(?:(?:field|nearby) )?"
        r"(?:host|comp|check|nucleus|ref(?:erence)? star|sky\b|background\b|standard star)|"
        r"\b(?:star|source|transient|sn|supernova|object|target) is (?:the |a )?(?:comp|check|ref|standard|field|host)|"
        r"\bnot the (?:sn|supernova|target|transient|object|star)\b",
    ),
    (
        "brightness",
        "values are as observed",
        r"\ba[_ ]?v ?= ?[\d.]+ (?:was |is )?(?:applied|removed|used|corr)|\b(?:with|for|using) a[_ ]?[vr] ?= ?\d|"
        r"e\(b-v\) ?=? ?[\d.]* ?(?:mag )?(?:(?:was|is|were|has been) )?(?:appl|remov|used|corr|subtr|taken)|"
        r"\bk[- ]?corr\w* (?:was |were |is )?applied|"
        r"\babsolute\b(?! (?:\w+ )?(?:calib|phot|astrom|scale|time|date|zero))|"
        r"\b(?:converted|transformed) from\b|"
        r"per sq(?:uare|\.)? ?(?:arc)?sec|surface bright|\bo ?- ?c\b|\be-?/s(?:ec)?\b|"
        r"\brest\b(?! of\b)|\brest (?:mag|flux|wave|days?|phase)|\bto 10 pc\b|"
        r"(?:extinction|reddening|dust)\w* (?:was |were |is )?removed|"
        r"\bremoved\b.*(?:extinction|redden)|\bav ?= ?[\d.]+ removed",
    ),
    (
        "error",
        "errors are of 1 sigma",
        r"(?:\b9\d(?:\.\d+)? ?(?:%|per ?cent)|\b[2-9](?:\.\d)? ?-?(?:sigma|\u03c3))\W+(?:\w+\W+){0,2}(?:err|unc|conf)|"
        r"\b(?:err\w*|unc\w*|sigmas?) ?(?::|=|is|are|were|of) ?(?:the |a )?(?:double|twice|half|(?:two|three|four|"
        r"five)(?: times|"
        r"[- ]sigma)|sigma of [2-9]|[2-9](?![.\d]))|\b(?:double|half|twice|two|three) (?:the )?(?:err|unc|"
        r"sigma (?:err|unc))|"
        r"^\W*(?:\w+: ?)?[2-9] ?-?(?:sigma|\u03c3)\W*$|\blast (?:\w+ )?digits?\b|"
        r"\b(?:err|unc)\w*.*\b9\d(?:\.\d+)? ?(?:%|per ?cent)|variances?\b|\b(?:fwhm|half[- ]widths?|"
        r"peak[- ]to[- ]peak) err|"
        r"\berr\w* (?:are |is |= ?)?(?:given )?(?:as |in |of )?(?:the )?(?:fwhm|half[- ]widths?|peak)",
    ),
    (
        "time",
        "times are UTC",
        r"clock (?:was|is|ran|runs|err|drift|off|correct)|"
        r"\b(?:summer|winter|daylight) time\b|of the (?:next|previous|following) (?:day|night|morning|evening)|"
        r"\b(?:mid-?)?(?:times?|dates?) of (?:the )?(?:\w+ )?(?:run|night|campaign)\b|"
        rf"\b(?:slow|fast|late|early|ahead|behind) by\b|{_UNIT_OF_TIME} (?:slow|fast|late|early|ahead|behind)\b|"
        r"\bdut\b|\b(?:ut|utc|gmt) ?[-+\u2212] ?(?!0)\d{1,2}(?:[:.]\d\d)?(?!\d|-)|"
        r"(?:hora|heure|ora|tiempo|zeit\w*) (?:local\w*|locale|in m)|ortszeit|\bme[sd]?z\b|"
        r"\b(?:cest|brt|jst|edt|pdt|mst|aest|nzst|msk)\b|\bcivil time|wall clock|\bsidereal|\blt\b|"
        r"local (?:\w+ )?(?:time|date|evening|hour)|daylight saving|leap seconds?|\btai\b.*\bseconds?|"
        r"seconds? .*\btai\b|\bnoon\b|lokalzeit|temps local|midnight|"
        r"(?:start|beginning|end) of (?:the )?(?:night|run)|end of (?:the |each )?(?:exp|integ)|exposure ends?\b|"
        r"\bastronomical (?:day|date)|"
        r"(?:date|time) of (?:the )?(?:reduction|file|creation|processing)|"
        r"\b(?:gps|ephemeris|terrestrial|dynamical) time\b|\but1\b|\bfold\b",
    ),
    (
        "brightness",
        "all rows are alike",
        rf"\b(?:first|second|third|last|final|\d+(?:st|nd|rd|th)|some|"
        rf"remaining)\s+(?:\w+\s+){{0,2}}{_ROWS}\b(?!\s*(?::|=|on\b|at\b|date))|"
        r"\b(?:first|last) (?:one|two|three|four|five|few|\d+)\b(?! (?:author|col|image|exp|frame|digit|letter|char|"
        r"dec))|"
        r"\bfor the (?:first|second|third|last)\b(?! time)|\b\d+(?:\.\d+)? ?(?:=|means|is) ?(?:no\b|not\b|bad|none|"
        r"limit|missing)|"
        r"\b(?:points?|rows?|lines?|epochs?) (?:no\.? ?|# ?)?\d|\bmarked\b|asterisk|\bdagger\b|"
        r"in (?:parenthes|bracket|italic|bold)|\bexcept\b",
    ),
)
_PATTERNS = tuple((role, assumed, re.compile(pattern)) for role, assumed, pattern in _KINDS)
_ANY = re.compile("|".join(pattern for _, _, pattern in _KINDS))
_DENIED = re.compile(r"\b(?:not|no|nor|without|never) (?:\w+ ){0,2}$|\bnon-?$")
_MUST_NOT_BE_DENIED = re.compile(r"not|never|n't|un|false|no\b")

_NOT_AS_OBSERVED = re.compile(
    r"rest[- ]?(?:frame|wave)|\b(?:at|to) z ?= ?0(?![.\d])|de-?redshift|redshift (?:\w+ )?(?:corrected|removed)|"
    r"normali[sz]ed|"
    r"continuum[- ]subtracted"
)
_NO_SPECTRUM = re.compile(
    r"\b(?:model|best)[- ]?fit|\bfit(?:ted)?[- ](?:model|spectrum)|(?<!host )(?<!galaxy )\btemplate\b(?! subtract)|"
    r"\b(?:host|sky|arc|lamp|standard star|(?<!a )galaxy) spectrum|spectrum of the (?:host|sky|galaxy)|"
    r"^\W*(?:telluric|(?:flux |spectrophotometric )?standard)(?: star)?\W*$|\blambda ?[*x]? ?f[ _]?lambda|"
    r"^\W*(?:(?:ab|vega|st)?\W*mag(?:nitude)?s?|v ?= ?0)\W*$|"
    r"\b(?:galaxy|sn|stellar) template\b(?! subtract)|\blog(?:10|e)?[ _(]*(?:lam|wave)",
)


def doubts(text: str) -> Iterator[tuple[str, str]]:
    """Yield what a text casts doubt on: the role that settles it, and what is assumed without the text."""
    lowered = HARMLESS.sub("", text.lower().replace("_", " "))
    if not _ANY.search(lowered):
        return
    for role, assumed, pattern in _PATTERNS:
        for found in pattern.finditer(lowered):
            is_denied = _DENIED.search(lowered[: found.start()]) and not _MUST_NOT_BE_DENIED.match(found[0])
            if not is_denied:
                yield role, assumed
                break


def first_doubt(text: str) -> str:
    """Return what is assumed without the text, of the first thing that it casts doubt on; else nothing."""
    return next((assumed for _, assumed in doubts(text)), "")


def is_no_spectrum(text: str) -> bool:
    """Return whether a text says that a spectrum is at rest, normalised, a model, or over log wavelengths."""
    lowered = text.lower()
    return bool(_NO_SPECTRUM.search(lowered)) or is_at_rest(lowered)


def is_at_rest(text: str) -> bool:
    """Return whether a text, in lower case, says that a spectrum is at rest, normalised or without its continuum."""
    found = _NOT_AS_OBSERVED.search(text)
    return found is not None and not re.search(r"\bnot\b|\bno\b|\bnor\b|\bun\w+ed\b|\bfalse\b", text)
