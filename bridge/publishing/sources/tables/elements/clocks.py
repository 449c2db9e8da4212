"""Words of times: scales and clocks, and what the names of columns of times have in them."""

import re

from bridge.publishing.sources.tables.elements.words import words

SCALES = {
    "utc": "utc",
    "ut": "utc",
    "gmt": "utc",
    "tt": "tt",
    "tdt": "tt",
    "et": "tt",
    "tai": "tai",
    "tdb": "tdb",
    "tu": "utc",
}
OTHER_CLOCKS = words(
    "tcb tcg bjd hjd bmjd hmjd mbjd mhjd btjd tbjd bkjd thjd rjd rhjd rbjd gps ut1 lst local lmst gmst "
    "barycentric heliocentric bary helio bjdtdb bjdutc hjdutc hjdtt bjdtt hjdtdb"
)
"""Clocks that are not the observatory's: up to eight minutes off UTC, or something else altogether."""

TIME_WORDS = re.compile(
    r"jd|date|time|epoch|phase|\bday|\bhour|\butc?\b|year|month|\bsince\b|\bt0\b|\bdt\b|\bt-|explo|burst|trigger|clock",
    re.IGNORECASE,
)
NO_TIME = re.compile(
    r"exp|integration|frame|dead|updat|run ?time|timeline|tile|candidate|elapse|modif|ingest|upload",
    re.IGNORECASE,
)
OF_RECORD = re.compile(
    r"quer(?:y|ied)|created_at|modif|updat|upload|download|submi(?:t|ssion)|ingest|insert(?:ed|ion)|retriev",
    re.IGNORECASE,
)
"""What says that a time is that of a record or a file, and not of an observation."""
