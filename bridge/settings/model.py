"""All settings of TOM Bridge in one model: a TOML file, a mapping (Django settings) and the environment load into it.

The environment wins: ``TOM_BRIDGE_TOM__PASSWORD`` is ``password`` under ``[tom]``. A wrong setting is one line that
names the key and the mend (:class:`~bridge.errors.ConfigurationError`). Secrets are masked in ``repr``, in errors and
in what is serialised; who needs one asks for it (``get_secret_value``, :meth:`StreamSettings.options`).
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    FiniteFloat,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from bridge.errors import ConfigurationError
from bridge.events import Kind
from bridge.settings.errors import each_in_words, in_words, is_labelled, masked_url, nearest, no_json, section
from bridge.settings.section import Section
from bridge.settings.streams import FullTopicName, StreamLabel, StreamSettings, no_such_stream
from bridge.topics import is_of_hermes, joined, split

DEFAULT_FILE = "tom-bridge.toml"
ENVIRONMENT_PREFIX = "TOM_BRIDGE_"
CONFIG_VARIABLE = "TOM_BRIDGE_CONFIG"


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


class Settings(BaseSettings):
    """The configuration of one TOM's bridge. Paths are relative to the folder of the configuration file."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    stream: StreamSettings
    streams: dict[StreamLabel, StreamSettings] = {}
    """Further streams by their labels; a topic of one is written ``label:topic``."""
    tom: TomSettings | None = None
    origin: Origin | None = None
    """The permanent id of this TOM in all that it publishes."""
    state: Path = Path("tom-bridge-state")
    """The folder of what the bridge has to remember."""
    ledger: Path = Path("ledger.db")
    """The ledger's file, in the state folder where it is relative."""
    subscribe: tuple[SubscriptionSettings, ...] = ()
    publish: PublishSettings = PublishSettings()
    matching: MatchingSettings = MatchingSettings()
    data_product_types: dict[str, str] = {}
    """This TOM's data product type for that of another TOM."""
    limits: LimitSettings = LimitSettings()
    gateway: GatewaySettings = GatewaySettings()

    _source: str = PrivateAttr(default="configuration")
    _file: Path | None = PrivateAttr(default=None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file or mapping."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @field_validator("subscribe")
    @classmethod
    def _each_topic_once(cls, given: tuple[SubscriptionSettings, ...]) -> tuple[SubscriptionSettings, ...]:
        topics = [one.topic for one in given]
        if twice := next((topic for topic in topics if topics.count(topic) > 1), None):
            raise ValueError(f"names the topic {twice!r} twice; join the two tables into one")
        return given

    @model_validator(mode="after")
    def _reads_no_rest_api(self) -> Self:
        """Refuse to read where only publishing is possible."""
        if self.stream.over_rest:
            raise ValueError("Hermes' REST API is published to alone; set it under [streams.hermes]")
        for one in self.subscribe:
            if (found := self.streams.get(split(one.topic)[0])) is not None and found.over_rest:
                raise ValueError(
                    f"the topic {one.topic!r} can't be received over Hermes' REST API; name it on HOPSKOTCH, a"
                    " stream of kafka://"
                )
        return self

    @model_validator(mode="after")
    def _names_known_streams(self) -> Self:
        for topic in self.topics():
            label, _ = split(topic)
            if label and label not in self.streams:
                raise ValueError(f"{no_such_stream(label, self.streams, topic)}")
        for topic in self.published():
            if problem := self.unwelcome(topic):
                raise ValueError(str(problem))
        return self

    @model_validator(mode="after")
    def _has_one_format_a_topic(self) -> Self:
        published = {topic: self.publish.of(topic).format for topic in self.published()}
        for one in self.subscribe:
            if (other := published.get(one.topic, one.format)) != one.format:
                raise ValueError(
                    f"the topic {one.topic!r} is received with format = {one.format!r} and published to with"
                    f" {other!r}; write one of them in both"
                )
        return self

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """Return the settings in ``path``, in the file that TOM_BRIDGE_CONFIG names, or in ``tom-bridge.toml``.

        Without a file that was asked for, the environment alone may hold all. Raises ConfigurationError.
        """
        named = path or os.environ.get(CONFIG_VARIABLE)
        file = Path(named or DEFAULT_FILE)
        if not file.exists():
            if named:
                raise ConfigurationError(
                    "there is no such file", where=str(file), mend="Write one with: tom-bridge init"
                )
            if not os.environ.get(f"{ENVIRONMENT_PREFIX}STREAM__URL"):
                raise ConfigurationError(
                    "there is no configuration here",
                    where=str(file),
                    mend="Write one with 'tom-bridge init', or name one with --config",
                )
            return cls._checked({}, folder=Path.cwd(), source="environment")
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"is no TOML: {error}", where=str(file), mend="Mend that line") from None
        except OSError as error:
            raise ConfigurationError(f"can't be read: {error.strerror}", where=str(file)) from None
        found = cls._checked(data, folder=file.resolve().parent, source=file.name)
        found._file = file.resolve()
        return found

    @classmethod
    def problems(cls, data: Mapping[str, Any], *, source: str = "settings") -> list[ConfigurationError]:
        """Return all that is wrong in ``data``, one error a key; none where it is right."""
        try:
            _check_environment(cls)
            cls(**_lower_case(cls, data))
        except ValidationError as error:
            first_of_each = {each.where: each for each in reversed(each_in_words(error, cls, source))}
            return list(reversed(first_of_each.values()))
        except SettingsError as error:
            return [no_json(error, ENVIRONMENT_PREFIX)]
        except ConfigurationError as error:
            return [error]
        return []

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], *, folder: Path | None = None, source: str = "settings") -> Self:
        """Return the settings in ``data``, shaped as the TOML file; keys may be upper case, as Django's are.

        ``folder`` is what paths are relative to (default: the working folder). Raises ConfigurationError.
        """
        return cls._checked(data, folder=folder or Path.cwd(), source=source)

    @classmethod
    def _checked(cls, data: Mapping[str, Any], *, folder: Path, source: str) -> Self:
        _check_environment(cls)
        try:
            settings = cls(**_lower_case(cls, data))
        except ValidationError as error:
            raise in_words(error, cls, source) from None
        except SettingsError as error:
            raise no_json(error, ENVIRONMENT_PREFIX) from None
        state = folder / settings.state
        changed = {
            "stream": settings.stream.within(folder),
            "streams": {label: one.within(folder) for label, one in settings.streams.items()},
            "subscribe": tuple(settings._started(one) for one in settings.subscribe),
            "publish": settings.publish.model_copy(
                update={"topics": tuple(map(settings._sent, settings.publish.topics))}
            ),
            "state": state,
            "ledger": state / settings.ledger,
            "gateway": settings.gateway.within(folder),
        }
        found = settings.model_copy(update=changed)
        found._source = source
        return found

    def _started(self, subscription: SubscriptionSettings) -> SubscriptionSettings:
        """Return a subscription with the start that it has by default: on HOPSKOTCH only what is new counts."""
        if "start" in subscription.model_fields_set or not self.stream_of(subscription.topic).hopskotch:
            return subscription
        return subscription.model_copy(update={"start": "now"})

    def _sent(self, topic: PublishedTopicSettings) -> PublishedTopicSettings:
        """Return a topic to publish on with the way by which that is done."""
        return topic.by_rest() if self.stream_of(topic.topic).over_rest else topic

    def topics(self) -> list[str]:
        """Return all topics that are received or published to, each once."""
        return list(dict.fromkeys([*(one.topic for one in self.subscribe), *self.published()]))

    def published(self) -> list[str]:
        """Return the topics that are named to be published to."""
        usual = [self.publish.topic] if self.publish.topic else []
        return list(dict.fromkeys([*usual, *(one.topic for one in self.publish.topics)]))

    def unwelcome(self, topic: str) -> ConfigurationError | None:
        """Return why events of the bridge may not go to ``topic``: it is Hermes', whose readers fail at them."""
        stream = self.stream_of(topic)
        of_hermes = stream.over_rest or (stream.hopskotch and is_of_hermes(topic))
        if not of_hermes or self.publish.of(topic).format == "hermes":
            return None
        return ConfigurationError(
            "topics of Hermes take its own messages alone: others break its readers",
            where=f"topic {topic}",
            mend=f'Say format = "hermes" of topic = "{topic}" under [[publish.topics]]',
        )

    def each_stream(self) -> dict[str, StreamSettings]:
        """Return all streams by label, the default one, whose label is empty, first."""
        return {"": self.stream, **self.streams}

    def stream_of(self, topic: str) -> StreamSettings:
        """Return the stream that holds a topic. Raises ConfigurationError where there is none of its label."""
        label, _ = split(topic)
        if label not in self.each_stream():
            raise no_such_stream(label, self.streams, topic)
        return self.each_stream()[label]

    def schema_topic_of(self, topic: str) -> str | None:
        """Return the full name of the topic that holds the schemas beside ``topic``; None where HOPSKOTCH or Hermes is.

        Raises ConfigurationError as :meth:`stream_of` does.
        """
        stream = self.stream_of(topic)
        return None if stream.hopskotch or stream.over_rest else joined(split(topic)[0], stream.schema_topic)

    @property
    def file(self) -> Path | None:
        """The file that was loaded; None where the settings came from elsewhere."""
        return self._file

    @property
    def display_name(self) -> str:
        """The TOM's name for people; the origin where it has none."""
        return (self.tom.display_name if self.tom else "") or self.origin or ""

    def require_tom(self) -> TomSettings:
        """Return ``[tom]``; raise ConfigurationError where it is missing."""
        if self.tom is None:
            raise ConfigurationError(
                "is missing", where=f"{self._source}: tom", mend="Set base_url and api_key under [tom]"
            )
        return self.tom

    def require_origin(self) -> str:
        """Return the origin; raise ConfigurationError where it is missing."""
        if self.origin is None:
            raise ConfigurationError(
                "is missing",
                where=f"{self._source}: origin",
                mend='Set a permanent id of this TOM, such as origin = "my-tom"',
            )
        return self.origin

    def require_subscribed(self, topic: str) -> None:
        """Raise ConfigurationError where ``topic`` is not subscribed to: what is taken of it is for that to say."""
        if topic not in {one.topic for one in self.subscribe}:
            raise ConfigurationError(
                f"the topic {topic!r} is not subscribed to, and so has no rules of what is taken of it",
                where=f"{self._source}: subscribe",
                mend="Name it under [[subscribe]] first",
            )

    def require_subscriptions(self) -> tuple[SubscriptionSettings, ...]:
        """Return all ``[[subscribe]]``; raise ConfigurationError where there is none."""
        if not self.subscribe:
            raise ConfigurationError(
                "is missing", where=f"{self._source}: subscribe", mend="Name a topic under [[subscribe]]"
            )
        return self.subscribe


def _lower_case(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``data`` with the fields' names in lower case, and without DATA_SHARING's keys that mean nothing here."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        name = key.lower()
        if name not in model.model_fields:
            foreign = model is TomSettings and key.isupper() and not nearest(name, model, cutoff=0.8)
            if not foreign:
                found[key] = value
            continue
        table = section(model, name)
        if table and isinstance(value, Mapping):
            found[name] = (
                {label: _lower_case(table, one) if isinstance(one, Mapping) else one for label, one in value.items()}
                if is_labelled(model, name)
                else _lower_case(table, value)
            )
        elif table and isinstance(value, list | tuple):
            found[name] = [_lower_case(table, one) if isinstance(one, Mapping) else one for one in value]
        else:
            found[name] = value
    return found


def _check_environment(model: type[Settings]) -> None:
    """Refuse a variable that was meant for us and is misspelt.

    Others may begin like ours (Kubernetes sets TOM_BRIDGE_PORT for a service "tom-bridge"): those without ``__``
    and unlike any setting are let be.
    """
    for variable in os.environ:
        rest = variable.upper().removeprefix(ENVIRONMENT_PREFIX)
        if variable.upper() == rest or variable.upper() == CONFIG_VARIABLE:
            continue
        name, nested, _ = rest.lower().partition("__")
        near = nearest(name, model, cutoff=0.8)
        if name not in model.model_fields and (nested or near):
            mend = f"Did you mean {ENVIRONMENT_PREFIX}{near.upper()}?" if near else "Take it out of the environment"
            raise ConfigurationError("is no setting", where=variable, mend=mend)
