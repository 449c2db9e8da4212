"""Names of topics on several streams: ``hopskotch:hermes.test`` is ``hermes.test`` on the stream ``hopskotch``.

A topic of the default stream, whose label is empty, is written without one.
"""


def split(topic: str) -> tuple[str, str]:
    """Return the label of a topic's stream and the topic's name there: ``("", "supernovae.public")`` by default."""
    label, _, name = topic.rpartition(":")
    return label, name


def joined(label: str, name: str) -> str:
    """Return the full name of a topic: what :func:`split` takes apart."""
    return f"{label}:{name}" if label else name


def is_of_hermes(topic: str) -> bool:
    """Return whether a topic of HOPSKOTCH is read by Hermes, which fails at anything but its own messages."""
    return split(topic)[1].startswith("hermes.")
