"""``manage.py bridgetopics``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge topics``, inside of the TOM."""

    word = "topics"
