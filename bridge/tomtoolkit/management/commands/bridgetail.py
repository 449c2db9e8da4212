"""``manage.py bridgetail``."""

from bridge.tomtoolkit.operating.commands import BridgeCommand


class Command(BridgeCommand):
    """``tom-bridge tail``, inside of the TOM."""

    word = "tail"
