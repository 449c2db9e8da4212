"""``manage.py bridgeconsume``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge consume``, inside of the TOM."""

    word = "consume"
