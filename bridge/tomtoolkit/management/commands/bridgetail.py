"""``manage.py bridgetail``."""

from bridge.tomtoolkit.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge tail``, inside of the TOM."""

    word = "tail"
