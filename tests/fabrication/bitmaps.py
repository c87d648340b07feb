"""Readers of PNG and BMP that share no code with Pillow: after the PNG specification (third edition) and BITMAPINFO."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np


def decode_png(path: Path) -> np.ndarray:
    """Grayscale, 1, 8 or 16 bits, not interlaced; top row first, whole numbers."""
    content = path.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, position = [], 8
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        data = content[position + 8 : position + 8 + length]
        assert struct.unpack(">I", content[position + 8 + length : position + 12 + length])[0] == zlib.crc32(
            kind + data
        )
        chunks.append((kind, data))
        position += 12 + length
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", dict(chunks)[b"IHDR"])
    assert colour == 0
    raw = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    row_bytes, step = -(-width * depth // 8), max(1, depth // 8)
    above, rows = bytearray(row_bytes), []
    for start in range(0, len(raw), row_bytes + 1):
        above = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + row_bytes]), above, step)
        rows.append(bytes(above))
    assert len(rows) == height
    octets = np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(height, row_bytes)
    if depth == 1:
        return np.unpackbits(octets, axis=1)[:, :width]
    return octets if depth == 8 else octets.view(">u2").astype(np.uint16)


def _unfiltered(kind: int, row: bytearray, above: bytearray, step: int) -> bytearray:
    for i in range(len(row)):
        a, b, c = (row[i - step] if i >= step else 0), above[i], (above[i - step] if i >= step else 0)
        p = a + b - c
        nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        row[i] = (row[i] + (0, a, b, (a + b) // 2, nearest)[kind]) % 256
    return row


def decode_bmp(path: Path) -> np.ndarray:
    """1 or 8 bits, rows from the bottom; top row first, the gray of each pixel's palette entry."""
    content = path.read_bytes()
    start, _, width, height = struct.unpack("<IIii", content[10:26])
    depth = struct.unpack("<H", content[28:30])[0]
    row_bytes = -(-width * depth // 32) * 4
    octets = np.frombuffer(content, np.uint8, row_bytes * height, start).reshape(height, row_bytes)[::-1]
    indices = np.unpackbits(octets, axis=1) if depth == 1 else octets
    palette = np.frombuffer(content, np.uint8, 4 * 2**depth, 54).reshape(-1, 4)[:, 0]
    return palette[indices[:, :width]]
