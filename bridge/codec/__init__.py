"""Events to bytes and back: :func:`encode`, :func:`split`, :class:`Decoder` and the :class:`Schemas` behind them."""

from bridge.codec.avro import LARGEST_EVENT, LARGEST_PRODUCT_EVENT, Decoder
from bridge.codec.headers import Hints, peek
from bridge.codec.items import Format, Item, Left, Noted
from bridge.codec.schemas import SCHEMA_TOPIC, Schemas
from bridge.codec.split import part, runs, split
from bridge.codec.writing import Encoded, encode

__all__ = [
    "LARGEST_EVENT",
    "LARGEST_PRODUCT_EVENT",
    "SCHEMA_TOPIC",
    "Decoder",
    "Encoded",
    "Format",
    "Hints",
    "Item",
    "Left",
    "Noted",
    "Schemas",
    "encode",
    "part",
    "peek",
    "runs",
    "split",
]
