"""SCiMMA's HOPSKOTCH: Kafka with rules of its own.

One logs in with a SCRAM credential over TLS. Groups begin with the credential's name. Topics, and who may read and
write them, are SCiMMA's to say (https://my.hop.scimma.org): clients make none, and a topic on which a credential has no
right looks as if it were not there.
"""

from pathlib import Path

import certifi

from bridge.errors import ConfigurationError, DeniedError, TopicMissingError
from bridge.stream.hop_auth import credential_for, default_path
from bridge.stream.kafka import KafkaStream
from bridge.stream.kafka_options import HouseRules, Options, servers
from bridge.stream.port import Headers, Topic
from bridge.topics import is_of_hermes

_LOGIN = {"security.protocol": "SASL_SSL", "sasl.mechanisms": "SCRAM-SHA-512", "ssl.ca.location": certifi.where()}
_ASK = "Topics and rights are given at https://my.hop.scimma.org"


class HopskotchStream(KafkaStream):
    """A stream on HOPSKOTCH; see :class:`bridge.stream.port.Stream`."""

    def __init__(self, url: str, options: Options, auth: Path | None = None) -> None:
        """Take the address, ``kafka://[user@]host``, and a log-in: ``sasl.*`` in the options, else hop's ``auth.toml``.

        Raises ConfigurationError where neither has one.
        """
        account, _, address = url.removeprefix("kafka://").rpartition("@")
        url = f"kafka://{address}"
        if "sasl.username" not in options:
            options = {**credential_for(servers(url), account, auth or default_path()).options(), **options}
        elif auth is not None or account not in ("", options["sasl.username"]):
            raise ConfigurationError(
                "there are two log-ins",
                where="stream.kafka.sasl.username",
                mend="Take it out, or auth and the user in url",
            )
        options = {**_LOGIN, **options}
        rules = HouseRules(group_prefix=f"{options['sasl.username']}-", missing=_not_there, denied=_ASK)
        super().__init__(url, options, rules)

    def publish(self, topic: str, *, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Hand over one record; on a topic that Hermes reads, one of its messages (JSON) alone.

        Raises DeniedError for another: each costs Hermes' readers a traceback, or what they read next.
        """
        if is_of_hermes(topic) and not value.startswith(b"{"):
            raise DeniedError(
                "topics of Hermes take its own messages alone: others break its readers",
                where=topic,
                mend='Say format = "hermes" of the topic under [[publish.topics]]',
            )
        super().publish(topic, key=key, value=value, headers=headers)

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:  # noqa: ARG002
        """Return the topic where it is there; it can't be made."""
        try:
            return self.topic(name)
        except TopicMissingError:
            raise ConfigurationError("topics of HOPSKOTCH are not made by clients", where=name, mend=_ASK) from None


def _not_there(topic: str) -> TopicMissingError:
    return TopicMissingError(
        f"topic {topic!r} does not exist, or the credential has no right on it (DESCRIBE, READ or WRITE)", mend=_ASK
    )
