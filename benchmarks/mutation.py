"""Good files of music, damaged by chance: what readers are tried with."""

import io
import re
import zipfile
from collections.abc import Callable
from itertools import accumulate
from random import Random

Damage = Callable[[bytes, Random], bytes]

_EXTREME_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xF0, 0xF7, 0xFF)
_EXTREME_NUMBERS = (b"0", b"-1", b"1", b"64", b"999", b"65536", b"1000000000", b"1e308", b"nan")
_CHUNKS = re.compile(rb"(?=MThd|MTrk)")
_NUMBER = re.compile(rb"\d+")
_ELEMENT = re.compile(rb"<([\w-]+)[^<>]*>(?:[^<>]*</\1>)?")  # with nothing but text in it


def mutate(suffix: str, content: bytes, rng: Random) -> bytes:
    """Damage a file of this kind in one to three ways."""
    if suffix == ".mxl" and rng.random() < 0.8:  # bytes of an archive are little else than its CRC
        return pack(mutate(".xml", unpacked(content), rng))
    ways = _WAYS.get(suffix, _ANY + _TEXT)
    for _ in range(rng.randint(1, 3)):
        content = rng.choice(ways)(content, rng)
    return content


def pack(xml: bytes) -> bytes:
    """An .mxl archive of one score."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("score.xml", xml)
    return buffer.getvalue()


def unpacked(mxl: bytes) -> bytes:
    """The largest file in a sound .mxl archive."""
    with zipfile.ZipFile(io.BytesIO(mxl)) as archive:
        return archive.read(max(archive.infolist(), key=lambda member: member.file_size))


def _block(content: bytes, rng: Random) -> tuple[int, int]:
    begin = rng.randrange(len(content) + 1)
    return begin, min(len(content), begin + rng.choice((1, 2, 4, 16, 64, 256)))


def _truncate(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _flip_bits(content: bytes, rng: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 2, 8)) if content else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(content: bytes, rng: Random) -> bytes:
    begin, end = _block(content, rng)
    return content[:begin] + bytes([rng.choice(_EXTREME_BYTES)]) * (end - begin) + content[end:]


def _insert(content: bytes, rng: Random) -> bytes:
    begin, end = _block(content, rng)
    return content[:begin] + rng.randbytes(end - begin) + content[begin:]


def _remove(content: bytes, rng: Random) -> bytes:
    begin, end = _block(content, rng)
    return content[:begin] + content[end:]


def _repeat(content: bytes, rng: Random) -> bytes:
    begin, end = _block(content, rng)
    return content[:end] + content[begin:end] * rng.choice((1, 2, 8)) + content[end:]


def _swap(content: bytes, rng: Random) -> bytes:
    a, b, c, d = sorted(rng.randrange(len(content) + 1) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _change_length(content: bytes, rng: Random) -> bytes:
    """Of a chunk of a MIDI file, or a field of its header."""
    starts = [*accumulate(map(len, _CHUNKS.split(content)))][:-1] or [0]
    at = rng.choice(starts) + rng.choice((4, 8, 10, 12))
    value = rng.choice((0, 1, 0x7FFF, 0x8000, 0xFFFF, rng.getrandbits(16)))
    size = rng.choice((2, 4))
    return content[:at] + value.to_bytes(size, "big") + content[at + size :]


def _reorder_chunks(content: bytes, rng: Random) -> bytes:
    head, *chunks = _CHUNKS.split(content)
    return head + b"".join(rng.choices(chunks, k=len(chunks) + rng.randint(-1, 3)) or chunks)


def _endless_number(content: bytes, rng: Random) -> bytes:
    begin, _ = _block(content, rng)
    return content[:begin] + b"\xff" * rng.choice((3, 5, 100, 10_000)) + content[begin:]


def _change_number(content: bytes, rng: Random) -> bytes:
    found = list(_NUMBER.finditer(content))
    if not found:
        return content
    begin, end = rng.choice(found).span()
    return content[:begin] + rng.choice(_EXTREME_NUMBERS) + content[end:]


def _change_lines(content: bytes, rng: Random) -> bytes:
    """One is left out, said again, or said elsewhere."""
    lines = content.splitlines(keepends=True) or [b""]
    line = rng.choice(lines)
    if rng.random() < 0.5:
        lines.remove(line)
    if rng.random() < 0.7:
        lines.insert(rng.randrange(len(lines) + 1), line * rng.choice((1, 2, 8)))
    return b"".join(lines)


def _change_symbol(content: bytes, rng: Random) -> bytes:
    """A character in the place of another that the file has, too."""
    if not content:
        return content
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.choice(content)]) * rng.choice((1, 1, 30)) + content[at + 1 :]


def _change_elements(content: bytes, rng: Random) -> bytes:
    """One of XML is left out, said again, or said elsewhere."""
    found = [each.span() for each in _ELEMENT.finditer(content)]
    if not found:
        return content
    begin, end = rng.choice(found)
    place, _ = rng.choice(found)
    kept = content[begin:end] if rng.random() < 0.3 else b""
    moved = content[begin:end] * rng.choice((0, 1, 2))
    if place < begin:
        return content[:place] + moved + content[place:begin] + kept + content[end:]
    return content[:begin] + kept + content[end:place] + moved + content[max(place, end) :]


_ANY: tuple[Damage, ...] = (_truncate, _flip_bits, _overwrite, _insert, _remove, _repeat, _swap)
_MIDI: tuple[Damage, ...] = (_change_length, _reorder_chunks, _endless_number)
_TEXT: tuple[Damage, ...] = (_change_number, _change_number, _change_lines, _change_symbol)
_XML: tuple[Damage, ...] = (_change_number, _change_elements)

_WAYS = dict.fromkeys((".mid", ".midi"), _ANY + _MIDI) | dict.fromkeys(
    (".xml", ".musicxml"), (_truncate, _flip_bits, _overwrite) + 6 * _XML
)
