"""The tables of the settings, each a model of its own: ``[tom]``, ``[[subscribe]]``, ``[publish]`` and the rest."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FiniteFloat,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from bridge.events import Kind
from bridge.origins import of_a_tom
from bridge.settings.errors import masked_url
from bridge.settings.section import Section
from bridge.settings.streams import FullTopicName


def _moment(value: object) -> object:
    """Return "earliest", "now" or a time in UTC; a time without zone is UTC."""
    if value in ("earliest", "now"):
        return value
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError('write "earliest", "now" or a time such as 2026-01-31T12:00:00Z') from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Start = Annotated[Literal["earliest", "now"] | datetime, BeforeValidator(_moment)]
Origin = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
OwnOrigin = Annotated[Origin, AfterValidator(of_a_tom)]
PositiveFloat = Annotated[FiniteFloat, Field(gt=0)]


class TomSettings(Section):
    """``[tom]``: the TOM that is written into; an entry of TOM Toolkit's ``DATA_SHARING`` fits unchanged."""

    display_name: Annotated[str, StringConstraints(max_length=100)] = ""
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]")] = Field(repr=False)
    """Where the TOM's home page is, ``https://tom.example.org/``."""
    username: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    """An API token of the TOM; preferred to user and password."""
    groups: tuple[str, ...] = ()
    """The groups of the TOM that see what arrives."""
    connections: int = Field(default=4, ge=1, le=32)
    """How many connections are kept to the TOM."""
    timeout_s: PositiveFloat = 60.0
    """Seconds after which a request counts as not answered."""
    toolkit: Annotated[str, StringConstraints(pattern=r"^(auto|\d+(\.\d+)*)$")] = "auto"
    """TOM Toolkit's version there, ``3.1`` or ``2.32``; ``auto`` finds out."""
    unprocessed_type: Annotated[str, StringConstraints(max_length=50)] = "image_file"
    """The TOM's type of data product, without a processor, as which a file is kept that it fails to process.

    Empty: such a file is a dead letter.
    """

    @model_validator(mode="after")
    def _has_an_account(self) -> Self:
        if self.api_key is None and (self.username is None or self.password is None):
            raise ValueError("has no account; set api_key, or username and password")
        return self

    @field_serializer("base_url")
    def _shown_url(self, url: str) -> str:
        return masked_url(url)

    @property
    def shown_url(self) -> str:
        """The address, with a password in it masked."""
        return masked_url(self.base_url)


class SubscriptionSettings(Section):
    """``[[subscribe]]``: one topic that is received."""

    topic: FullTopicName
    kinds: tuple[Kind, ...] = Field(default=tuple(Kind), min_length=1)
    start: Start = "earliest"
    """Where a first start begins: "earliest", "now" or a time. On HOPSKOTCH it is "now" unless set."""
    tests: bool = False
    """Whether HOPSKOTCH's test messages are received as well."""
    origins: tuple[Origin, ...] = ()
    """The origins that are accepted; empty: any."""
    unmatched: Literal["park", "ignore"] = "park"
    """What is done with data of a target that the TOM doesn't have; "ignore" is Hermes' default."""
    create_targets: bool = True
    """Whether a target that the TOM doesn't have is created; false is Hermes' default."""
    format: Literal["bridge", "hermes"] = "bridge"
    """What the records are: events of the bridge, or messages of Hermes."""
    full: bool = False
    """Hermes: whether events that a bridge put into a message count, on a topic whose writers are trusted."""
    proper_motion: Literal["mas", "arcsec"] | None = None
    """Hermes: the unit of proper motions, a year; without it they are not taken."""

    @model_validator(mode="before")
    @classmethod
    def _of_its_format(cls, given: object) -> object:
        """Fill in the defaults of Hermes: anybody may name anything there."""
        if isinstance(given, Mapping) and given.get("format") == "hermes":
            return {"unmatched": "ignore", "create_targets": False} | dict(given)
        return given

    @model_validator(mode="after")
    def _has_options_of_its_format(self) -> Self:
        of_hermes = self.model_fields_set & {"full", "proper_motion"}
        if self.format != "hermes" and of_hermes:
            raise ValueError(f'{", ".join(sorted(of_hermes))}: only for a topic with format = "hermes"')
        return self


class PublishedTopicSettings(Section):
    """``[[publish.topics]]``: one topic that is published on."""

    topic: FullTopicName
    format: Literal["bridge", "hermes"] = "bridge"
    """What goes there: events of the bridge, or messages of Hermes."""
    largest_bytes: int = Field(default=900_000, ge=10_000)
    """Hermes: bytes of a message at most; a larger share goes as several."""
    every_s: float = Field(default=600.0, ge=0, le=1800)
    """Hermes, in a TOM: seconds between two looks for new data of what shares itself there."""

    _over_rest: bool = PrivateAttr(default=False)

    @property
    def over_rest(self) -> bool:
        """Whether what goes there goes by Hermes' REST API, which takes less than the topic itself."""
        return self._over_rest

    def by_rest(self) -> Self:
        """Return the same topic, published on by Hermes' REST API."""
        found = self.model_copy()
        found._over_rest = True
        return found


class PublishSettings(Section):
    """``[publish]``: defaults of what is shared, and topics that differ from others."""

    topic: FullTopicName | None = None
    shared_by: Annotated[str, StringConstraints(max_length=150)] = ""
    acknowledgement: Annotated[str, StringConstraints(max_length=2_000)] = ""
    topics: tuple[PublishedTopicSettings, ...] = ()

    @field_validator("topics")
    @classmethod
    def _each_topic_once(cls, given: tuple[PublishedTopicSettings, ...]) -> tuple[PublishedTopicSettings, ...]:
        topics = [one.topic for one in given]
        if twice := next((topic for topic in topics if topics.count(topic) > 1), None):
            raise ValueError(f"names the topic {twice!r} twice; join the two entries into one")
        return given

    def named(self, topic: str) -> PublishedTopicSettings | None:
        """Return how ``topic`` is published on, where that is said."""
        return next((one for one in self.topics if one.topic == topic), None)

    def of(self, topic: str) -> PublishedTopicSettings:
        """Return how ``topic`` is published on."""
        return self.named(topic) or PublishedTopicSettings(topic=topic)


class MatchingSettings(Section):
    """``[matching]``: when a target of the same name is the same target."""

    separation_arcsec: PositiveFloat = 10.0
    """Arcseconds that two positions of one sidereal target may be apart."""


class LimitSettings(Section):
    """``[limits]``: bounds of what the consumer keeps and tries."""

    parked_bytes: int = Field(default=1024**3, ge=1)
    """Bytes of parked events at which the consumer stops."""
    batch_datums: int = Field(default=500, ge=1)
    """Datums that end a batch."""
    batch_s: PositiveFloat = 5.0
    """Seconds that end a batch."""
    attempts: int = Field(default=3, ge=1)
    """How often an event that the TOM refuses is tried before it is a dead letter."""
    dead_in_a_run: int = Field(default=20, ge=2)
    """Events one after the other that the TOM refuses, or that break something here, at which the consumer stops."""
    dead_ratio: float = Field(default=0.5, gt=0, le=1)
    """The part of the last 200 events that may become dead letters so before the consumer stops."""
    tries: int = Field(default=10, ge=3)
    """How often an event is begun that never comes to an end before it is a dead letter."""
    parked_retry_s: PositiveFloat = 60.0
    """Seconds between two looks for targets that parked events wait for."""


class GatewaySettings(Section):
    """``[gateway]``: the service by which unchanged TOMs publish."""

    listen: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1:8480"
    """Host and port; without a certificate this machine alone."""
    certificate: Path | None = None
    """The file of the TLS certificate, with its chain."""
    key: Path | None = None
    """The file of its key."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/]\S*)?$")] = ""
    """The address by which TOMs reach it, where that is not ``listen`` (a proxy)."""
    anonymous: bool = False
    """Whether what visitors share who are not logged in is taken, as far as their TOM tells."""
    pause_s: PositiveFloat = 1.0
    """Seconds without a further datum after which those that came together become an event."""
    requests_a_minute: int = Field(default=20_000, ge=1)
    """Requests that one account may make."""

    def within(self, folder: Path) -> Self:
        """Return the same with paths relative to ``folder``."""
        paths = {"certificate": self.certificate, "key": self.key}
        return self.model_copy(update={name: path and folder / path for name, path in paths.items()})
