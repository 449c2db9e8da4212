"""All settings of TOM Bridge in one model: a TOML file, a mapping (Django settings) and the environment load into it.

The environment wins: ``TOM_BRIDGE_TOM__PASSWORD`` is ``password`` under ``[tom]``. A wrong setting is one line that
names the key and the mend (:class:`~bridge.errors.ConfigurationError`). Secrets are masked in ``repr``, in errors and
in what is serialised; who needs one asks for it (``get_secret_value``, :meth:`StreamSettings.options`).
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from bridge.errors import ConfigurationError
from bridge.settings.errors import each_in_words, in_words, no_json
from bridge.settings.given import CONFIG_VARIABLE, ENVIRONMENT_PREFIX, check_environment, lower_case
from bridge.settings.streams import StreamLabel, StreamSettings, no_such_stream
from bridge.settings.tables import (
    GatewaySettings,
    LimitSettings,
    MatchingSettings,
    OwnOrigin,
    PublishedTopicSettings,
    PublishSettings,
    SubscriptionSettings,
    TomSettings,
)
from bridge.topics import is_of_hermes, joined, split

DEFAULT_FILE = "tom-bridge.toml"


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
    origin: OwnOrigin | None = None
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
            check_environment(cls)
            cls(**lower_case(cls, data))
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
        check_environment(cls)
        try:
            settings = cls(**lower_case(cls, data))
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
