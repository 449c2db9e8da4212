"""``manage.py bridgeconsume``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge consume``, inside of the TOM."""

    word = "consume"
