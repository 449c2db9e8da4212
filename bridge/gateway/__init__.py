"""What unchanged TOMs publish by: an HTTP service that answers as TOM Toolkit's own receiving API does.

A TOM names ``https://host/<topic>/`` as ``BASE_URL`` in its ``DATA_SHARING``. What it sends by its ordinary Share
buttons is accepted with one local insert (:mod:`bridge.gateway.accepting`), made into events
(:mod:`bridge.gateway.composing`) and published from an outbox. The facts of what TOMs send, and what they make of which
answer, are in ``docs/gateway.md``. Only :mod:`bridge.gateway.app` and :mod:`bridge.gateway.serving` know HTTP.
"""

FILE = "gateway.db"
"""The name of the file in which the gateway has all it remembers, in the folder of the state."""
