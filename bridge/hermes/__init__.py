"""Messages of Hermes, on HOPSKOTCH and any other Kafka, as events, and events as messages. Pure: bytes in, bytes out.

:class:`HermesFormat` reads records, :mod:`bridge.hermes.composing` writes messages, :mod:`bridge.hermes.mapping` is the
table of fields that both go by.
"""

from bridge.hermes.reading import HermesFormat

__all__ = ["HermesFormat"]
