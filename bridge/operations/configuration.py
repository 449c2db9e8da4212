"""A first configuration: commented, complete, and loadable as it is."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import ConfigurationError
from bridge.settings import Settings

_TEMPLATE = """\
# TOM Bridge. Every value can come from the environment instead: TOM_BRIDGE_TOM__API_KEY is api_key under [tom].
# What is commented out shows the default. docs/configuration.md tells all there is.

# The permanent id of this TOM in all that it publishes. It never changes; the TOM's name may.
origin = {origin}

# What the bridge has to remember: a folder beside this file. Back it up with the TOM.
# state = "tom-bridge-state"

[stream]
# Where events live: a Kafka broker, or a file that all TOMs of this machine share.
url = {url}
# schema_topic = "tom-bridge.schemas"

# Options of the Kafka client, by librdkafka's names. Better in the environment: TOM_BRIDGE_STREAM__KAFKA__SASL_PASSWORD
# [stream.kafka]
# "security.protocol" = "SASL_SSL"
# "sasl.mechanisms" = "SCRAM-SHA-512"
# "sasl.username" = "my-tom"

# A further stream; its topics are written hopskotch:hermes.test. hop auth add has kept the log-in.
# [streams.hopskotch]
# url = "kafka://kafka.scimma.org"
# hopskotch = true

[tom]
# The TOM that is written into. An entry of TOM Toolkit's DATA_SHARING fits here unchanged.
display_name = {display_name}
base_url = {base_url}
# An API token of the account that writes (its profile page shows it), or username and password.
# Better in the environment: {variable}
{account}
# The groups that see what arrives. Without one only the account itself does.
groups = {groups}
# connections = 4
# timeout_s = 60.0
# toolkit = "auto"
# unprocessed_type = "image_file"

{subscriptions}

[publish]
topic = {topic}
# shared_by = "A. Stronomer"
# acknowledgement = "Please cite ..."

# [matching]
# Two sidereal targets of one name further apart than this are not taken for the same.
# separation_arcsec = 10.0

# Another TOM's data product types by ours:
# [data_product_types]
# spectrum = "spectroscopy"

# [limits]
# parked_bytes = 1073741824
# attempts = 3
# parked_retry_s = 60.0
"""
_SUBSCRIPTION = """\
[[subscribe]]
topic = {topic}
# kinds = ["target", "list", "photometry", "spectroscopy", "astrometry", "reduced-datum", "data-product"]
# "earliest" (all history), "now", or a time such as 2026-01-31T12:00:00Z; for the first start alone.
start = {start}
# origins = ["another-tom"]
# "park" keeps what has no target here until it appears; "ignore" suits a public stream.
# unmatched = "park"
"""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What can be filled in."""

    origin: str = "my-tom"
    display_name: str = "My TOM"
    stream: str = "sqlite:///stream.db"
    base_url: str = "https://tom.example.org/"
    api_key: str | None = None
    username: str | None = None
    password: str | None = None
    groups: Sequence[str] = ()
    topics: Sequence[str] = ("supernovae.public",)
    start: str = "earliest"


def secret_variable(answers: Answers) -> str:
    """Return the environment's variable that may hold the account's secret."""
    return f"TOM_BRIDGE_TOM__{'API_KEY' if answers.username is None else 'PASSWORD'}"


def render(answers: Answers) -> str:
    """Return a commented configuration with ``answers`` filled in."""
    # JSON's strings and lists are TOML's as well.
    if answers.username is not None:
        account = f"username = {_toml(answers.username)}\npassword = {_toml(answers.password or 'CHANGE-ME')}"
    else:
        account = f"api_key = {_toml(answers.api_key or 'CHANGE-ME')}"
    subscriptions = "\n".join(
        _SUBSCRIPTION.format(topic=_toml(topic), start=_toml(answers.start)) for topic in answers.topics
    )
    return _TEMPLATE.format(
        origin=_toml(answers.origin),
        url=_toml(answers.stream),
        display_name=_toml(answers.display_name),
        base_url=_toml(answers.base_url),
        variable=secret_variable(answers),
        account=account,
        groups=_toml(list(answers.groups)),
        subscriptions=subscriptions.rstrip(),
        topic=_toml(answers.topics[0]),
    )


def write_configuration(path: Path, answers: Answers) -> None:
    """Write a configuration that only its owner may read, and make sure that it loads.

    Raises ConfigurationError where there is a file already (it stays as it is) or an answer is wrong.
    """
    text = render(answers)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(
            "is there already and stays as it is", where=str(path), mend="Name another file, or remove this one"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"can't be written: {error.strerror}", where=str(path)) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        Settings.load(path)
    except ConfigurationError:
        path.unlink()
        raise


def _toml(value: str | list[str]) -> str:
    # TOML knows JSON's escapes but for surrogate pairs (none without ASCII escapes) and a bare DEL.
    return re.sub("\x7f", r"\\u007f", json.dumps(value, ensure_ascii=False))
