"""``manage.py bridgetopics``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge topics``, inside of the TOM."""

    word = "topics"
