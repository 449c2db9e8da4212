"""``manage.py bridgereplay``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge replay``, inside of the TOM."""

    word = "replay"
