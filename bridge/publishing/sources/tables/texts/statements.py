"""What a text states of values: that they are of other things, or of another kind, by words that are harmless alone."""

import re

from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.texts.wordings import HARMLESS

_SUBJECT = (
    r"(?:mags?|magnitudes?|values?|errors?|uncertaint\w+|times?|dates?|mjds?|jds?|flux(?:es)?|brightness(?:es)?|"
    r"these|this|"
    r"target|object|columns?|filters?|system|spectrum|spectra)\b(?: (?!of\b)\w+){0,2}?"
)
_STATED = re.compile(rf"\b{_SUBJECT} ?(?:\bis\b|\bare\b|\bwas\b|\bwere\b|\bof\b|\bin\b|\bhave\b|=|:)(.*)")
"""A sentence on values, and what it says of them."""
_OTHERS = words(
    "host comparison comparisons check secondary companion sky background template templates field ensemble nearby "
    "ratio noise "
    "difference differences nucleus galaxy model models reference"
)
"""What a measurement may be of in place of the target, or from."""
_OTHER_TIMES = words(
    "first last end start night nights evening discovery paper image images file reduction created peak hours month "
    "day year"
)
_USUAL = re.compile(
    r"\b(?:against|using|relative|from|with|via|by|subtract\w*|calibrated|tied)\b.*|mid[- ]?(?:point|dle)?.*|"
    r"\bstart (?:of|time)? ?(?:the )?(?:exp|obs)\w*|(?:each|the) (?:image|exposure)s?$"
)
"""What follows to say by which things values were calibrated, or that times are of the middle."""
_BAND = r"(?:[ubvrizyw]|r[cs]|clear|lum\w*|red|blue|green)"
_ABOUT = r"(?:mags?|magnitudes?|values?|photometry|light|flux(?:es)?|averages?|means?)"
_PHRASES = re.compile(
    rf"\b{_BAND} (?:is|stands for|means|written as|from) (?:the )?{_BAND}\b|^\W*from {_BAND} and|\bno filter\b|"
    r"\bv,? zero points?\b|^\W*differences? (?:with|to|from)\b|\b(?:red|blue) (?:mags?|magnitudes?|values?) are\b|"
    r"\b(?:where|if|with) (?:there is )?no (?:listed )?err|\bwithout (?:an? )?err|\bno err\w* (?:is|are) (?:listed|"
    r"given)|"
    r"\b(?:second|other) (?:star|object|source|trace)\b|zero[- ]?point system|\bdifference (?:with|to)\b|"
    r"\b(?:vega|ab|st) (?:to|=|into) (?:the )?(?:vega|ab|st)\b|\bare ab\b.*\bvega\b|\btransformed to [a-z]\b|"
    r"\b(?:computed|calculated|derived|obtained) from (?:the |a )?(?:spectr|light ?curve|colou?r)|"
    r"\b(?:average|mean|median)s? of all\b|\bmean time\b|\bcombined with\b|\ball below\b|detected at [12]\b|"
    r"\b(?:telluric standard|photon flux|second order)\b|\bthis is the \w+ star\b|"
    r"\b(?:average|sum) of (?:the )?(?:two|both|several)\b|\bspectra\b.*combined|"
    rf"\b{_ABOUT} of (?:the )?(?:two|both|several|three|four) (?:stars|objects|sources|components|nights)\b|"
    r"\bof the (?:first|second|last|other) (?:image|night|exposure|frame|camera|one)s?\b|\bthe other (?:band|filter)\b|"
    r"\b(?:filters?|bands?)\b ?(?:column )?(?:is|are|:|=) (?:of |the |of the )?(?:camera|catalog\w*|template|below|"
    r"above|"
    r"other|see)\b|\b(?:days?|hours?) (?:are )?of the (?:year|day|month|night)\b|\bunits?\b.*\b(?:hours?|seconds?|"
    r"minutes?|months?|years?)\b|\b(?:mag\w*|flux\w*|brightness\w*|errors?) (?:is |are )?per (?:\w+ )?(?:day|hour|"
    r"month|"
    r"year|arcsec\w*|arcmin\w*|degrees?|pixels?)\b|\b(?:month|year|week|season)(?:ly)? (?:average|mean|median)s?\b|"
    r"\b(?:average|mean|median)s? of the (?:year|month|week|season|run|night)\b|\btotal (?:light|mag\w*|flux|"
    r"bright\w*)|"
    r"\b(?:is|are|of) (?:the )?(?:\w+ ){0,3}(?:of the )?standard stars?\b|\bstars? near\b|"
    r"^\W*(?:the )?(?:sky|background|nuclear|central|catalog(?:ue)?|chart|camera|standard|comparison|check|field|"
    r"ensemble|"
    r"galaxy|host|companion|secondary)(?: stars?)? (?:mags?|magnitudes?|bright\w*|values?|flux\w*|sequence)\W*$|"
    r"^\W*(?:(?:star|name|object|target|source)\W+(?:is )?)?(?:a |the )?(?:comparison|check|standards?|secondary|"
    r"ensemble|field|both|pair|companion|component \w)(?: stars?)?[\s.!]*$|"
    r"^\W*(?:star|name|object|target|source)\W+star \d\W*$|"
    r"\b(?:same as|copy of)\b|\blimiting mag\w* (?:of )?\d|\bsee (?:the )?paper\b|\bcol(?:ou?r)? terms? of\b"
)
_ZONE = re.compile(
    r"\b(?!Universal|Julian|Coordinated|Exposure|Dynamical|Observation|Observing|Mid|Start|Integration|The|All|Total|"
    r"Each|UT)"
    r"[A-Z][a-z]+ Time\b"
)
"""The time of some place: ``Beijing Time``."""
_DESCRIBED = words("scatter variance percent fiber fibre limiting nominal minus plus discovery rest night local")
"""What a column may be described as beside, where that is no brightness, error or time of the target."""


def stated(text: str) -> str:
    """Return what a text states that values are, where it may be others than the columns say; else nothing."""
    lowered = HARMLESS.sub("", text.lower().replace("_", " "))
    if found := _PHRASES.search(lowered) or _ZONE.search(text):
        return found[0]
    for sentence in re.split(r"[.;] ", lowered):
        if not (found := _STATED.search(sentence)):
            continue
        is_time = bool(re.search(r"\b(?:times?|dates?|mjds?|jds?)\b", found[0][: found.start(1) - found.start()]))
        said = re.findall(r"\w+", _USUAL.sub("", found[1]))
        if other := next((word for word in said if word in _OTHERS or (is_time and word in _OTHER_TIMES)), ""):
            return other
    return ""


def described(note: str) -> str:
    """Return the word of a column's description that says that it holds something else; else nothing."""
    bare = _USUAL.sub("", HARMLESS.sub("", note.lower()))
    found = re.findall(r"[^\W\d_]+", bare)
    return stated(note) or next((word for word in found if word in _OTHERS | _DESCRIBED), "")
