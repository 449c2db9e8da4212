"""Streams in the configuration: the default one, and others by their labels."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    StringConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from bridge.errors import ConfigurationError
from bridge.settings.errors import Hidden, hidden_account, looks_secret, masked_url
from bridge.settings.section import Section

StreamLabel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$")]
TopicName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
FullTopicName = Annotated[
    str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9-]{0,29}:)?[A-Za-z0-9._-]{1,249}$", max_length=249)
]
"""A topic of the default stream, or of another one: ``hopskotch:hermes.test``."""

_HTTPS_OR_HERE = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])[:/]")
_OF_DATA_SHARING = frozenset({"DISPLAY_NAME", "DEFAULT_AUTHORS", "USER_TOPICS", "DATA_CONVERTER_CLASS"})
"""Keys of an entry ``hermes`` that say nothing of where and as whom messages are published."""
_WITH_UNDERSCORE = frozenset({"log_level"})
"""The names of librdkafka's options that are not written with dots alone."""


class StreamSettings(Section):
    """``[stream]``, and each ``[streams.NAME]``: where events live."""

    url: Annotated[str, Field(min_length=1), AfterValidator(hidden_account)] = Field(repr=False)
    """``kafka://host:9092,host:9092``, ``sqlite:///path``, or where Hermes' REST API is: ``https://hermes.lco.global/``."""
    schema_topic: TopicName = "tom-bridge.schemas"
    """The compacted topic that holds the schemas."""
    kafka: dict[str, str | int | float | bool | SecretStr] = Field(default={})
    """librdkafka's options (SASL, TLS, ...), by librdkafka's names."""
    hopskotch: bool = False
    """Whether it is SCiMMA's HOPSKOTCH, or has its rules: no topics are made and no schemas kept by clients."""
    auth: Path | None = None
    """hop's ``auth.toml``; None: where hop keeps it. Of HOPSKOTCH alone."""
    token: SecretStr | None = None
    """Hermes' REST API: the API token of an account there."""

    @property
    def over_rest(self) -> bool:
        """Whether it is Hermes' REST API, by which messages are published, and nothing is read."""
        return self.url.startswith(("https://", "http://"))

    @model_validator(mode="before")
    @classmethod
    def _of_data_sharing(cls, given: object) -> object:
        """Take an entry ``hermes`` of TOM Toolkit's ``DATA_SHARING`` (2.x) by its own words."""
        named = {"BASE_URL": "url", "HERMES_API_KEY": "token"}
        if not isinstance(given, Mapping) or not named.keys() & given.keys():
            return given
        return {named.get(key, key): value for key, value in given.items() if key not in _OF_DATA_SHARING}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._fits_rest()
        if self.auth is not None and not self.hopskotch:
            raise ValueError("has auth, which is for HOPSKOTCH; set hopskotch = true as well, or take it out")
        if self.hopskotch and not self.url.startswith("kafka://"):
            raise ValueError('has hopskotch = true; its url must be such as "kafka://kafka.scimma.org"')
        return self

    def _fits_rest(self) -> None:
        if not self.over_rest:
            if self.token is not None:
                raise ValueError('has token, which is for Hermes\' REST API; its url is "https://hermes.lco.global/"')
            return
        if self.token is None or not self.token.get_secret_value():
            raise ValueError("has no token; set the API token that Hermes shows in your profile")
        if self.hopskotch or self.auth is not None or self.kafka:
            raise ValueError("is Hermes' REST API; hopskotch, auth and kafka are for a url of kafka://")
        if not _HTTPS_OR_HERE.match(self.url):
            raise ValueError("would send the token in clear; write https://")

    @field_validator("kafka", mode="before")
    @classmethod
    def _hide_secrets(cls, options: object) -> object:
        """Wrap what looks secret, and read ``sasl_password`` as ``sasl.password``: the environment has no dots."""
        if not isinstance(options, Mapping):
            return options
        dotted = {
            name if name in _WITH_UNDERSCORE else name.replace("_", "."): given for name, given in options.items()
        }
        return {
            name: SecretStr(str(given)) if looks_secret(name) and not isinstance(given, SecretStr) else given
            for name, given in dotted.items()
        }

    @field_serializer("url")
    def _shown_url(self, url: str) -> str:
        return masked_url(url)

    def within(self, folder: Path) -> Self:
        """Return these settings with paths taken relative to ``folder``."""
        scheme, mark, path = self.url.partition("sqlite:///")
        url = f"{mark}{folder / path}" if mark and path and not scheme else self.url
        return self.model_copy(update={"url": url, "auth": None if self.auth is None else folder / self.auth})

    @property
    def shown_url(self) -> str:
        """The address, with a password in it masked."""
        return masked_url(self.url)

    def options(self) -> dict[str, str | int | float | bool]:
        """Return librdkafka's options with the secrets in clear, for the client alone."""
        return {
            name: Hidden(given.get_secret_value()) if isinstance(given, SecretStr) else given
            for name, given in self.kafka.items()
        }


def no_such_stream(label: str, known: Collection[str], topic: str) -> ConfigurationError:
    """Return the error for a topic of a stream that is not configured; ``known`` are the labels of those that are."""
    others = f", or write one of: {', '.join(known)}" if known else ""
    return ConfigurationError(
        f"there is no stream {label!r}", where=f"topic {topic}", mend=f"Add it under [streams.{label}]{others}"
    )
