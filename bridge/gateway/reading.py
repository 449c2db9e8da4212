"""What a TOM sends, as bodies of events: right, or refused with what to do. Pure.

Raises :class:`Refusal` with a sentence that the person may read in the page of their own TOM.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bridge.errors import RejectedError
from bridge.events import DataProduct, Datum, Kind, Share, Target, TargetList, TargetReference
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.local_tom import target_body
from bridge.tom.rest.shown import UnexpectedError, target_of
from bridge.tom.values import ARRAYS, NUMBERS, WORDS, fields_of, kind_of

Sent = Mapping[str, Any]
"""The JSON object of a request."""

_IMPORTED = "Imported From "
_OWN_LOCATION = re.compile(r"ReducedDatum shared from .*/api/reduceddatums/\d+/?")
"""What a TOM fills in where a datum has no source: its own name, and this. It says that the datum is the TOM's own."""
_LONGEST_NAME = 100
_LONGEST_REFUSAL = 4_000
"""Characters."""
_LONGEST_PATH = 120
"""Characters of the path to a wrong field that are told: free values may be nested deeply."""
_MOST_KEY = 2**63 - 1
"""Of a database's primary key."""
_WORDS: Mapping[str, TypeAdapter[str]] = {
    name: TypeAdapter(Share.model_fields[name].rebuild_annotation())
    for name in ("shared_by", "title", "message", "acknowledgement")
}
"""What a person says of a share."""
_LIST_NAME: TypeAdapter[str] = TypeAdapter(TargetList.model_fields["name"].rebuild_annotation())


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """What was sent can't be accepted: the status of the answer, a sentence for people, and a word for the counts."""

    def __init__(self, what: str, *, status: int = 400, reason: str = "not valid") -> None:
        super().__init__(what)
        # What was sent may be megabytes of a name: the answer, and a line of the log, are not.
        self.what = what if len(what) <= _LONGEST_REFUSAL else f"{what[: _LONGEST_REFUSAL - 1]}…"
        self.status = status
        self.reason = reason


def target(sent: Sent) -> Target:
    """Return the target of ``POST targets/``, with all that it has."""
    try:
        return target_body(target_of({"id": 0, **sent}))
    except UnexpectedError as error:
        what = f"{error.given} was sent; {error.expected} is needed"
    except (RejectedError, SourceError) as error:
        what = str(error)
    raise Refusal(f"It can't be published: {what}") from None


def list_names(sent: Sent) -> list[str]:
    """Return the lists that a target was shared with; TOM Toolkit's own list of what came is none of them."""
    lists = sent.get("target_lists") or []
    if not isinstance(lists, list) or not all(isinstance(one, Mapping) for one in lists):
        raise Refusal("target_lists is no list of lists' names")
    names = [one.get("name") for one in lists]
    shared = [name for name in names if name and not str(name).startswith(_IMPORTED)]
    return list(dict.fromkeys(_text_of(_LIST_NAME, name, "name of a list") for name in shared))


def shared_by(sent: Sent) -> str:
    """Return who shares a target, where that is told."""
    return words(sent, "shared_by", "shared_by")


def words(sent: Sent, key: str, name: str) -> str:
    """Return what a person says of a share, whole: the field ``name`` of an event."""
    return _text_of(_WORDS[name], sent.get(key) or "", key)


def toms_key(sent: Sent) -> int | None:
    """Return the primary key of a target in its TOM, where that is told."""
    key = sent.get("id")
    if key is None:
        return None
    if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key <= _MOST_KEY:
        raise Refusal(f"id is {str(key)[:60]!r}, which is no primary key", reason="id")
    return key


def is_anonymous(sent: Sent) -> bool:
    """Return whether a visitor of a TOM of 3.1 shares who is not logged in; earlier releases don't say."""
    return bool(sent.get("shared_from")) and sent.get("shared_by") == ""


def datum(sent: Sent) -> Datum:
    """Return the datum of ``POST reduceddatums/``."""
    value = sent.get("value")
    if not isinstance(value, Mapping):
        raise Refusal("value is no JSON object", reason="value is no JSON object")
    for key in ("data_type", "source_name", "source_location"):
        if not isinstance(sent.get(key, ""), str) and (key == "data_type" or sent[key] is not None):
            raise Refusal(f"{key} is {str(sent[key])[:60]!r}, which is no text", reason=f"{key} is no text")
    kind = kind_of(sent)
    _check_numbers(kind, value)
    if kind is Kind.PHOTOMETRY and not _has_value(value):
        what = "a point without brightness and limit (TOM Toolkit 3 sends no limits: share upper limits by a table)"
        raise Refusal(what, reason="point without brightness and limit")
    try:
        fields = fields_of({"data_type": "", "timestamp": "", **sent}, typed=False)
    except (TypeError, ValueError):
        raise Refusal(f"{str(sent.get('timestamp'))[:40]!r} is no time", reason="no time") from None
    assert fields is not None
    if _OWN_LOCATION.fullmatch(fields["source_location"]):
        fields |= {"source_name": "", "source_location": ""}
    try:
        return WORDS[kind].datum.model_validate(fields)
    except ValidationError as error:
        raise Refusal(f"{kind}: {_told(error)}", reason=f"{kind}: {_where(error)}") from None


def product(form: Mapping[str, str], filename: str, content: bytes, reference: TargetReference) -> DataProduct:
    """Return the data product of ``POST dataproducts/``: ``filename`` comes with folders, which are not for others."""
    name = re.split(r"[/\\]", filename)[-1]
    try:
        return DataProduct.of(
            content,
            target=reference,
            product_id=_text(form, "product_id"),
            filename=name[-_LONGEST_NAME:],
            data_product_type=_text(form, "data_product_type"),
            extra_data=_text(form, "extra_data"),
        )
    except ValidationError as error:
        raise Refusal(f"The file {name[:100]!r} can't be published: {_told(error)}") from None


def _text(form: Mapping[str, str], key: str) -> str:
    value = form.get(key, "")
    return "" if value in ("None", "null") else value


def _text_of(sort: TypeAdapter[str], given: object, what: str) -> str:
    try:
        return sort.validate_python(given)
    except ValidationError as error:
        raise Refusal(f"The {what} {str(given)[:60]!r} can't be published: {_told(error)}", reason=what) from None


def _has_value(value: Sent) -> bool:
    words = WORDS[Kind.PHOTOMETRY]
    keys = [key for name in ("brightness", "limit") for key in (name, *words.synonyms.get(name, ()))]
    return any(value.get(key) is not None for key in keys)


def _check_numbers(kind: Kind, value: Sent) -> None:
    """Refuse what would be dropped or guessed: a number that is none, and two words for one thing that differ."""
    words = WORDS[kind]
    for name in words.fields:
        given = {key: value[key] for key in (name, *words.synonyms.get(name, ())) if value.get(key) not in (None, "")}
        for key, one in given.items():
            if not _is_of(kind, name, one):
                raise Refusal(f"{kind}: {key} is {str(one)[:60]!r}, which is not understood", reason=f"{kind}: {key}")
        if len({_meant(one) for one in given.values()}) > 1:
            told = " and ".join(f"{key} {str(one)[:40]!r}" for key, one in given.items())
            raise Refusal(f"{kind}: {told} differ", reason=f"{kind}: two values of one thing")


def _is_of(kind: Kind, name: str, given: object) -> bool:
    if kind is Kind.SPECTROSCOPY and name in ARRAYS:
        return isinstance(given, list) and all(map(_is_number, given))
    return _is_number(given) if name in NUMBERS else isinstance(given, str | int | float)


def _meant(given: object) -> object:
    return float(given) if _is_number(given) else repr(given)  # type: ignore[arg-type]


def _is_number(given: object) -> bool:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return False
    try:
        float(given)
    except (ValueError, OverflowError):
        return False
    return True


def _told(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    message = str(problem["msg"]).removeprefix("Value error, ")
    at = _where(error)
    return f"{at}: {message}" if at else message


def _where(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])[:_LONGEST_PATH]
