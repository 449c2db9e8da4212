"""The other side of HOPSKOTCH: hop-client and tom_alertstreams, run by the Python of an environment of their own.

What is asked comes as JSON on standard input: ``do`` (write, read or listen) and its arguments; the answer goes to
standard output as JSON. hop finds its ``auth.toml`` in the folder that XDG_CONFIG_HOME names.
"""

import json
import sys
from typing import Any


def write(url: str, messages: list[dict[str, Any]]) -> None:
    """Write messages as hop-client does: JSON, an Avro file, or bytes; ``test`` marks a test."""
    from hop import Stream
    from hop.models import AvroBlob, Blob, JSONBlob

    forms = {"json": JSONBlob, "avro": AvroBlob, "blob": lambda text: Blob(text.encode())}
    with Stream().open(url, "w") as stream:
        for one in messages:
            stream.write(forms[one["form"]](one["content"]), test=one.get("test", False))


def read(url: str, group: str) -> list[dict[str, Any]]:
    """Return all that is on a topic, as hop-client's readers get it."""
    from hop import Stream
    from hop.io import StartPosition

    found = []
    with Stream(until_eos=True, start_at=StartPosition.EARLIEST).open(url, "r", group_id=group) as stream:
        for message, metadata in stream.read(metadata=True):
            headers = {name: value.hex() for name, value in metadata.headers}
            found.append({"content": message.content, "headers": headers})
    return found


def listen(url: str, group: str, topic: str, *, username: str, password: str, ca: str) -> Any:
    """Return the first message that the handler of a TOM with tom_alertstreams gets."""
    import certifi
    from django.conf import settings

    certifi.where = lambda: ca
    settings.configure(ALERT_STREAMS=[], LOGGING_CONFIG=None, USE_TZ=True)
    from tom_alertstreams.alertstreams.hopskotch import HopskotchAlertStream

    class Found(BaseException):
        """What was waited for; no Exception, which the stream would only log."""

    def handler(alert: Any, metadata: Any) -> None:
        raise Found({"content": alert.content, "topic": metadata.topic})

    stream = HopskotchAlertStream(
        URL=url, GROUP_ID=group, USERNAME=username, PASSWORD=password, START_POSITION="EARLIEST",
        TOPIC_HANDLERS={topic: "builtins.print"},
    )  # fmt: skip
    stream.alert_handler = {topic: handler}
    try:
        stream.listen()
    except Found as found:
        return found.args[0]


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    answer = {"write": write, "read": read, "listen": listen}[asked.pop("do")](**asked)
    json.dump(answer, sys.stdout)
