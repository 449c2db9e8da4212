"""``manage.py bridgereplay``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge replay``, inside of the TOM."""

    word = "replay"
