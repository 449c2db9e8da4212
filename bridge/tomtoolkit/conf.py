"""The TOM's settings for the bridge: the dictionary ``TOM_BRIDGE``, with the sections of :mod:`bridge.settings`.

Keys may be upper case, as Django's are; the environment wins, as for the ``tom-bridge`` command. What the command needs
to reach a TOM over HTTP (``tom``, ``state``, ``ledger``, ``gateway``) means nothing here and is refused.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from pydantic import Field, PositiveFloat, StringConstraints

from bridge.errors import ConfigurationError
from bridge.hermes.record import BASE_URL
from bridge.settings import (
    ENVIRONMENT_PREFIX,
    LimitSettings,
    PublishedTopicSettings,
    PublishSettings,
    Section,
    Settings,
    SubscriptionSettings,
    hide_secrets,
)

SETTING = "TOM_BRIDGE"
EmailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+$")]
_NOT_HERE = ("tom", "state", "ledger", "gateway")


class AppSubscriptionSettings(SubscriptionSettings):
    """One topic that is received, and who sees what comes."""

    groups: tuple[str, ...] = ()
    """The groups of this TOM that see what arrives."""


class AppPublishedTopicSettings(PublishedTopicSettings):
    """One topic that may be shared to."""

    groups: tuple[str, ...] = Field(default=())
    """The groups whose members may share to it; empty: all who have the permission ``share``."""


class AppPublishSettings(PublishSettings):
    """What may be shared, and with which acknowledgement."""

    topics: tuple[AppPublishedTopicSettings, ...] = ()
    look_s: PositiveFloat = 10.0
    """Seconds between two looks of the relay for new data of what shares itself."""
    keep_days: float = Field(default=7.0, ge=0)
    """Days that the outbox keeps the content of what was sent; that it was sent is kept for ever."""


class ProductSettings(Section):
    """How files that arrive are kept."""

    active_content: Literal["rename", "refuse"] = "rename"
    """What is done with files that a browser would run: kept as plain text, or refused."""


class AppLimitSettings(LimitSettings):
    """Bounds of what the consumer keeps and tries, and of the TOM's own code."""

    batch_datums: int = Field(default=5000, ge=1)
    """Datums that end a batch: more than over REST, as they cost microseconds here."""
    processor_s: PositiveFloat = 300.0
    """Seconds that the hook and the data processor of one product may take."""
    processor_mb: int = Field(default=2048, ge=64)
    """MiB of memory that they may take, on Linux."""
    hook_s: PositiveFloat = 10.0
    """Seconds that the hook for what was applied may take."""


class MailSettings(Section):
    """A daily mail of what is dead, what is parked and how far behind the TOM is; sent by Django's mail."""

    to: tuple[EmailAddress, ...] = Field(min_length=1)
    hour: int | None = Field(default=6, ge=0, le=23)
    """The hour (UTC) after which the consumer sends it; None: only ``bridgemail`` does."""


class AppSettings(Settings):
    """The configuration of the bridge within a TOM."""

    subscribe: tuple[AppSubscriptionSettings, ...] = ()
    publish: AppPublishSettings = AppPublishSettings()
    products: ProductSettings = ProductSettings()
    limits: AppLimitSettings = AppLimitSettings()
    mail: MailSettings | None = None

    @property
    def display_name(self) -> str:
        """The TOM's name for people: ``TOM_NAME``."""
        return str(getattr(django_settings, "TOM_NAME", "")) or self.origin or ""

    def require_mail(self) -> MailSettings:
        """Return ``mail``; raise ConfigurationError where it is missing."""
        if self.mail is None:
            mend = 'Say who gets it, such as "MAIL": {"TO": ["admin@example.org"]}'
            raise ConfigurationError("is missing", where=f"{SETTING}: mail", mend=mend)
        return self.mail

    def groups_by_topic(self) -> dict[str, tuple[str, ...]]:
        """Return for each topic subscribed to the names of the groups that see what arrives."""
        return {one.topic: one.groups for one in self.subscribe}


def hide() -> None:
    """Let Django's debug page and its mails of errors show no password of the setting.

    Django hides values by their names alone: not a password within an address, nor one in a variable of a frame.
    """
    if hasattr(django_settings, SETTING):
        setattr(django_settings, SETTING, hide_secrets(getattr(django_settings, SETTING)))


def load() -> AppSettings:
    """Return the settings; raise ConfigurationError for the first thing that is wrong.

    They are read anew only where the setting or the environment is another: a page asks several times.
    """
    stand = _stand()
    for seen, found in _last:
        if seen == stand:
            return found
    if wrong := problems():
        raise wrong[0]
    folder = Path(getattr(django_settings, "BASE_DIR", "."))
    loaded = AppSettings.from_mapping(_given(), folder=folder, source=SETTING)
    _last[:] = [(stand, loaded)]
    return loaded


_last: list[tuple[int, AppSettings]] = []
"""What was loaded last, behind a number for all that it was made of."""


def _stand() -> int:
    """Return a number for all that the settings are made of, in which nothing of them is to be seen."""
    names = (SETTING, "HERMES_CONFIGURATION", "BASE_DIR")
    variables = {name: value for name, value in os.environ.items() if name.upper().startswith(ENVIRONMENT_PREFIX)}
    return hash(
        json.dumps([*(getattr(django_settings, name, None) for name in names), variables], default=str, skipkeys=True)
    )


def problems() -> list[ConfigurationError]:
    """Return all that is wrong or missing, each with its key and the mend."""
    given = getattr(django_settings, SETTING, None)
    if not isinstance(given, Mapping):
        return [
            ConfigurationError(
                "is missing" if given is None else "is no dictionary",
                where=SETTING,
                mend='Set it in the settings, such as TOM_BRIDGE = {"ORIGIN": "my-tom", '
                '"STREAM": {"URL": "kafka://broker.example.org:9092"}}',
            )
        ]
    found = [
        ConfigurationError("is for the tom-bridge command alone", where=f"{SETTING}: {key}", mend="Take it out")
        for key in given
        if key.lower() in _NOT_HERE
    ]
    found += AppSettings.problems(_given(), source=SETTING)
    if "origin" not in {key.lower() for key in given}:
        mend = 'Set a permanent id of this TOM, such as "ORIGIN": "my-tom"'
        found.append(ConfigurationError("is missing", where=f"{SETTING}: origin", mend=mend))
    return found


def _given() -> dict[str, Any]:
    """Return the dictionary, a plain list of topics to publish to written out."""
    given = {key: value for key, value in getattr(django_settings, SETTING).items() if key.lower() not in _NOT_HERE}
    for key, value in given.items():
        if key.lower() == "publish" and isinstance(value, list | tuple):
            given[key] = {"topics": value}
        if key.lower() == "streams" and isinstance(value, Mapping):
            given[key] = {label: _with_token(one) if isinstance(one, Mapping) else one for label, one in value.items()}
    return given


def _with_token(stream: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a stream at the Hermes of tom_hermes with its token, where it names none of its own.

    That is the TOM's own token (``HERMES_CONFIGURATION``); those that people have given to tom_hermes are theirs.
    """
    keys = {str(key).lower() for key in stream}
    theirs = getattr(django_settings, "HERMES_CONFIGURATION", None)
    if "token" in keys or "hermes_api_key" in keys or not isinstance(theirs, Mapping):
        return stream
    token, base = theirs.get("HERMES_API_TOKEN"), str(theirs.get("HERMES_BASE_URL") or BASE_URL)
    url = next((str(value) for key, value in stream.items() if str(key).lower() == "url"), "")
    if not token or not _same_host(url, base):
        return stream
    return {**stream, "token": token}


def _same_host(one: str, other: str) -> bool:
    """Return whether two addresses are of one host and port, in the same scheme."""
    first, second = urlsplit(one), urlsplit(other)
    return (first.scheme, first.netloc) == (second.scheme, second.netloc) and bool(first.netloc)
