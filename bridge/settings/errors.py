"""How a wrong setting is told: in one line, with the key and the mend, and without any secret."""

import difflib
import os
import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from bridge.errors import ConfigurationError

MASK = "**********"

_ACCOUNT_IN_URL = re.compile(r"(?<=://)\S*(?=@)")
_SECRET = re.compile(r"password|passphrase|secret|token|private|api_key|\.pem$|oauthbearer\.config", re.IGNORECASE)
_NO_SECRET = re.compile(r"\.(location|url|file|timeout\.ms)$")


def masked_url(url: str) -> str:
    """Return ``url`` with a password in it masked."""
    return _ACCOUNT_IN_URL.sub(lambda found: re.sub(":.*", f":{MASK}", found.group()), url)


class Hidden(str):
    """A text that is itself wherever it is used, and masked where it is shown as a value: in a debug page, say.

    ``shown`` is what stands there in its place.
    """

    shown: str

    def __new__(cls, text: str, shown: str = MASK) -> "Hidden":
        """Return ``text``, to be shown as ``shown``."""
        found = super().__new__(cls, text)
        found.shown = shown
        return found

    def __repr__(self) -> str:
        return repr(self.shown)


def hidden_account(url: str) -> str:
    """Return ``url``, shown with a password in it masked."""
    return Hidden(url, masked_url(url))


def hide_secrets(given: Any, key: str = "") -> Any:
    """Return settings as they were given, with passwords in addresses, and secrets, :class:`Hidden`."""
    match given:
        case dict():
            return {name: hide_secrets(value, str(name)) for name, value in given.items()}
        case list() | tuple():
            return type(given)(hide_secrets(value, key) for value in given)
        case str() if looks_secret(key):
            return Hidden(given)
        case str() if masked_url(given) != given:
            return hidden_account(given)
        case _:
            return given


def looks_secret(key: str) -> bool:
    """Return whether the value of an option of this name is better not shown."""
    return bool(_SECRET.search(key)) and not _NO_SECRET.search(key)


_MISSING = {
    "stream": 'Set url under [stream], such as url = "kafka://broker.example.org:9092"',
    "stream.url": 'Set it there, such as url = "kafka://broker.example.org:9092"',
    "tom.base_url": 'Set it under [tom], such as base_url = "https://tom.example.org/"',
    "subscribe.topic": 'Name the topic, such as topic = "supernovae.public"',
}
_TOPIC = 'Write a name such as "supernovae.public", or "hopskotch:hermes.test" for one of another stream'
_MENDS = {
    "stream.[key]": "Use up to 30 of a-z, 0-9 and '-' as a stream's label, such as [streams.hopskotch]",
    "subscribe.topic": _TOPIC,
    "publish.topic": _TOPIC,
    "origin": "Use up to 100 of a-z, 0-9, '.', '_' and '-', such as \"my-tom\"",
    "tom.base_url": 'Write an address such as "https://tom.example.org/"',
    "tom.toolkit": 'Write "auto" or a version such as "3.1"',
}


def section(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return the model of the table (or of the tables) ``name`` of ``model``, where it is one."""
    annotation = model.model_fields[name].annotation if name in model.model_fields else None
    candidates = (annotation, *get_args(annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)


def is_labelled(model: type[BaseModel], name: str) -> bool:
    """Return whether ``name`` holds tables by labels of the user's own (``[streams.hopskotch]``)."""
    return get_origin(model.model_fields[name].annotation) is dict


def nearest(name: str, model: type[BaseModel], cutoff: float = 0.6) -> str | None:
    """Return the field of ``model`` that is spelt most like ``name``, where one is."""
    return next(iter(difflib.get_close_matches(name.lower(), model.model_fields, n=1, cutoff=cutoff)), None)


def in_words(error: ValidationError, model: type[BaseModel], source: str) -> ConfigurationError:
    """Return the first problem as one line with key and mend; unknown keys first, for they explain missing ones."""
    first, *rest = each_in_words(error, model, source)
    others = {one.where for one in rest} - {first.where}
    if not others:
        return first
    more = f" (and {len(others)} more wrong setting{'s' if len(others) > 1 else ''})"
    return ConfigurationError(first.what + more, where=first.where, mend=first.mend)


def no_json(error: SettingsError, prefix: str) -> ConfigurationError:
    """Return one line for a variable of the environment, named ``prefix`` and more, whose list or table is no JSON.

    pydantic names the section alone; the text that could not be read tells which variable it was.
    """
    text = getattr(error.__cause__, "doc", None)
    names = sorted(name for name, value in os.environ.items() if name.upper().startswith(prefix) and value == text)
    mend = 'Write lists and tables as JSON, such as \'["Observers"]\' or \'[{"topic": "supernovae.public"}]\''
    return ConfigurationError("is no JSON", where=" or ".join(names) or "environment", mend=mend)


def each_in_words(error: ValidationError, model: type[BaseModel], source: str) -> list[ConfigurationError]:
    """Return every problem as one line with key and mend; unknown keys first, for they explain missing ones."""
    problems = sorted(
        error.errors(include_url=False, include_context=False),
        key=lambda one: one["type"] != "extra_forbidden",
    )
    return [_one_in_words(problem, model, source) for problem in problems]


def _one_in_words(problem: Any, model: type[BaseModel], source: str) -> ConfigurationError:
    location = problem["loc"]
    # Where several types were tried (an option of Kafka's) the location ends with one of them, which is no key.
    depth = 4 if location and location[0] == "streams" else 3
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location[:depth]).lstrip(".")
    plain = re.sub(r"^streams\.[^.]+", "stream", re.sub(r"\[\d+\]", "", key))
    what, mend = str(problem["msg"]).removeprefix("Value error, "), _MENDS.get(plain, "")
    if problem["type"] == "missing":
        what, mend = "is missing", _MISSING.get(plain, "Set it")
    elif problem["type"] == "extra_forbidden":
        what, mend = "is no setting", _known_here(model, location)
    elif mend or problem["type"] != "value_error":
        what += _given(key, problem.get("input"))
    return ConfigurationError(what, where=f"{source}: {key}" if key else source, mend=mend)


def _known_here(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    for part in location[:-1]:
        if isinstance(part, str):
            model = section(model, part) or model
    if near := nearest(str(location[-1]), model):
        return f"Did you mean {near!r}?"
    return f"Known here: {', '.join(model.model_fields)}"


def _given(key: str, value: object) -> str:
    """Return the wrong value for the message, unless it is a secret or has parts."""
    if looks_secret(key) or isinstance(value, dict | list | tuple | BaseModel):
        return ""
    return f" (it is {masked_url(str(value))[:60]!r})"
