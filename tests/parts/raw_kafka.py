"""Records as no client of this project writes them: a header's name may be any bytes, as other clients allow."""

import socket
import struct
from collections.abc import Sequence
from io import BytesIO

_PRODUCE, _VERSION = 0, 3


def write_raw(
    address: str,
    topic: str,
    *,
    value: bytes = b"value",
    key: bytes = b"key",
    headers: Sequence[tuple[bytes, bytes]] = (),
    timestamp_ms: int = 0,
) -> int:
    """Write one record to partition 0 of ``topic`` at the broker at ``address``, which leads it; return its offset.

    By Kafka's protocol itself (Produce v3, record batch v2: https://kafka.apache.org/protocol).
    """
    batch = _batch(key, value, headers, timestamp_ms)
    body = struct.pack(">hhi", -1, -1, 30_000) + struct.pack(">i", 1) + _text(topic)
    body += struct.pack(">iii", 1, 0, len(batch)) + batch
    request = struct.pack(">hhi", _PRODUCE, _VERSION, 1) + _text("raw") + body
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = BytesIO(_received(connection, struct.unpack(">i", _received(connection, 4))[0]))
    answer.read(4 + 4)
    answer.read(struct.unpack(">h", answer.read(2))[0])
    _, _, error, offset = struct.unpack(">iihq", answer.read(18))
    assert error == 0, f"the broker refuses the record with Kafka's error {error}"
    return int(offset)


def _batch(key: bytes, value: bytes, headers: Sequence[tuple[bytes, bytes]], timestamp_ms: int) -> bytes:
    record = b"\x00" + _varint(0) + _varint(0) + _sized(key) + _sized(value) + _varint(len(headers))
    record += b"".join(_sized(name) + _sized(of_name) for name, of_name in headers)
    counted = struct.pack(">hiqqqhii", 0, 0, timestamp_ms, timestamp_ms, -1, -1, -1, 1) + _sized(record)
    checked = struct.pack(">ibI", -1, 2, _crc32c(counted)) + counted
    return struct.pack(">qi", 0, len(checked)) + checked


def _received(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += (piece := connection.recv(size - len(found)))
        assert piece, "the broker has hung up"
    return found


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def _sized(value: bytes) -> bytes:
    return _varint(len(value)) + value


def _varint(number: int) -> bytes:
    zigzag = (number << 1) ^ (number >> 63)
    found = b""
    while zigzag > 0x7F:
        found += bytes([zigzag & 0x7F | 0x80])
        zigzag >>= 7
    return found + bytes([zigzag])


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
