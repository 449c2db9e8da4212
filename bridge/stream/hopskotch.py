"""SCiMMA's HOPSKOTCH: Kafka with rules of its own.

One logs in with a SCRAM credential over TLS. Groups begin with the credential's name. Topics, and who may read and
write them, are SCiMMA's to say (https://my.hop.scimma.org): clients make none, and a topic on which a credential has no
right looks as if it were not there.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from bridge.errors import ConfigurationError, TopicMissingError
from bridge.stream.hop_auth import credential_for, default_path
from bridge.stream.kafka import KafkaStream
from bridge.stream.kafka_options import Advice, Options, servers
from bridge.stream.kafka_subscription import KafkaSubscription
from bridge.stream.port import StartAt, Topic

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
        super().__init__(url, options, Advice(_not_there, _ASK))
        self.credential = str(options["sasl.username"])
        """The name of the credential."""

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> KafkaSubscription:
        """Join a group whose name begins with the credential's."""
        return super().subscribe(topics, self._own(group), start_at, missing_ok=missing_ok)

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:
        """Ask the brokers what the credential may do."""
        return super().lacking(topic, wanted, None if group is None else self._own(group))

    def _own(self, group: str) -> str:
        return f"{self.credential}-{group}"

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
