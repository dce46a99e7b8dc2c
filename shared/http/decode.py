"""Content codings undone while streaming, with a bound on every layer.

A few hundred bytes can claim to be gigabytes. So no layer is ever asked for more than `PIECE` bytes at a time, the
result stops one byte past the limit, and no layer in between may produce more than the result itself could need
(an outer layer of gigabytes that the inner one swallows costs time instead of memory).

gzip and deflate: RFC 9110 section 8.4.1, RFC 1952, RFC 1950, RFC 1951; br: RFC 7932; zstd: RFC 8878 with the window
bound of RFC 9659.

Left out on purpose: `compress` (LZW), which nobody has sent for decades, and dictionaries shared between messages.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE = 65_536
"""Bytes asked of a layer at a time: large enough that the calls cost nothing, small beside every limit."""

SLACK = 65_536
"""What a coded form may be larger than its content: framing of incompressible data is below 0.1 % plus a header."""

BLOCK = 262_144
"""The result is kept in blocks of this size: one growing buffer is copied while it grows and so counts twice."""

MEMBERS = 1_000
"""Members of one gzip file or frames of one zstd stream: BGZF has 16 a megabyte; more is a way to burn time."""

WINDOW_LOG = 23
"""8 MB: the most a sender may ask a recipient to keep for the zstd coding (RFC 9659 section 3), here for br as well.

A br window of 16 MB is filled before the first byte comes out, by a body of 200 bytes. Encoders choose it only for
content above 8 MB, which is past the usual limit anyway.
"""

BROTLI_16_MB = 0b1111
"""The first four bits of a stream with a window of 24 bits (RFC 7932 section 9.1)."""

IDENTITY = frozenset({"", "identity", "none", "utf-8", "utf8"})
"""No coding; `none` and a charset are misconfigurations that browsers let pass, with a plain body."""


class BadEncoding(Exception):
    """The body is not what its Content-Encoding says, ends early, or is stacked too deep."""


class Layer(Protocol):
    """One coding being undone."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What `data` decodes to, in pieces of about `PIECE` bytes; raises `BadEncoding`."""

    def complete(self) -> bool:
        """Whether the coded stream has reached its end."""


class Zlib:
    """gzip (any number of members) and deflate in a zlib wrapper or bare, as old servers send it."""

    def __init__(self, wbits: int | None) -> None:
        self._wbits = wbits
        self._head = b""
        self._members = 0
        self._inflate: zlib._Decompress | None = None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        data, self._head = self._head + data, b""
        pending = False  # a full piece may leave output inside zlib after its last byte of input
        while data or pending:
            inflate = self._inflate or self._open(data)
            if inflate is None:
                self._head = data
                return
            piece = _inflated(inflate, data)
            yield piece
            data = self._rest(inflate)
            pending = len(piece) == PIECE and not inflate.eof

    def complete(self) -> bool:
        return not self._head and (self._inflate.eof if self._inflate else self._members > 0)

    def _open(self, data: bytes) -> zlib._Decompress | None:
        """A decompressor for what starts here, or None while two bytes are not there to tell the wrappers apart."""
        if len(data) < 2:
            return None
        self._members += 1
        if self._members > MEMBERS:
            raise BadEncoding(f"more than {MEMBERS} gzip members")
        self._inflate = zlib.decompressobj(self._wbits or _deflate_wbits(data))
        return self._inflate

    def _rest(self, inflate: zlib._Decompress) -> bytes:
        """What is still to be read; after the end only another gzip member counts, padding is dropped."""
        if not inflate.eof:
            return inflate.unconsumed_tail
        if self._wbits is None or not b"\x1f\x8b".startswith(inflate.unused_data[:2]):
            return b""
        if inflate.unused_data:
            self._inflate = None
        return inflate.unused_data


class Brotli:
    """br. The library stops at whole blocks, so a piece may be larger than asked (google/brotli#1396), not smaller.

    `can_accept_more_data` alone does not tell that everything came out: a full piece means to ask again.
    """

    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()
        self._begun = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if not self._begun and data[0] & 0x0F == BROTLI_16_MB:
            raise BadEncoding(f"br window above {1 << WINDOW_LOG} bytes")
        self._begun = True
        while not self._brotli.is_finished():
            try:
                piece: bytes = self._brotli.process(data, output_buffer_limit=PIECE)
            except brotli.error as error:
                raise BadEncoding(f"broken br stream: {error}") from error
            data = b""
            yield piece
            if len(piece) < PIECE and self._brotli.can_accept_more_data():
                return

    def complete(self) -> bool:
        return bool(self._brotli.is_finished())


class Zstd:
    """zstd, any number of frames (RFC 8878 section 3.1)."""

    def __init__(self) -> None:
        self._frames = 0
        self._frame = self._open()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._frame.needs_input or self._frame.eof):
            if self._frame.eof:
                self._frame = self._open()
            try:
                yield self._frame.decompress(data, PIECE)
            except zstd.ZstdError as error:
                raise BadEncoding(f"broken zstd stream: {error}") from error
            data = self._frame.unused_data if self._frame.eof else b""

    def complete(self) -> bool:
        return bool(self._frame.eof)

    def _open(self) -> zstd.ZstdDecompressor:
        self._frames += 1
        if self._frames > MEMBERS:
            raise BadEncoding(f"more than {MEMBERS} zstd frames")
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})


GZIP_WBITS = 16 + zlib.MAX_WBITS

CODINGS: dict[str, Callable[[], Layer]] = {
    "gzip": lambda: Zlib(GZIP_WBITS),
    "x-gzip": lambda: Zlib(GZIP_WBITS),
    "deflate": lambda: Zlib(None),
    "br": Brotli,
    "zstd": Zstd,
}


class Body:
    """Collects a body of at most `limit` decoded bytes from coded chunks."""

    def __init__(self, codings: Sequence[str], *, limit: int, most_codings: int) -> None:
        """`codings` as they stand in Content-Encoding, in the order applied; raises nothing before the first byte."""
        self._codings = codings
        self._most_codings = most_codings
        self._limit = limit
        self._layers: list[Layer] | None = None
        self._produced: list[int] = []
        self._blocks: list[bytes] = []
        self._tail = bytearray()
        self._kept = 0
        self.full = False

    def feed(self, chunk: bytes) -> None:
        """Takes a chunk off the wire; sets `full` once there is more than the limit. Raises `BadEncoding`."""
        if self._layers is None:
            self._layers = open_layers(self._codings, most=self._most_codings)
            self._produced = [0] * (len(self._layers) + 1)
        for piece in self._through(0, chunk):
            self._keep(piece)
            if self.full:
                self._layers = []  # a window of many megabytes goes before the result is put together
                return

    def finish(self) -> None:
        """Says that the wire is at its end; raises `BadEncoding` when the coded stream is not."""
        if not all(layer.complete() for layer in self._layers or ()):
            raise BadEncoding("compressed body ends early")

    def value(self) -> bytes:
        """The decoded bytes, at most `limit`."""
        return b"".join([*self._blocks, bytes(self._tail)])

    def _keep(self, piece: bytes) -> None:
        room = self._limit - self._kept
        self.full = self.full or len(piece) > room
        self._tail += piece[:room]
        self._kept += min(len(piece), room)
        if len(self._tail) >= BLOCK:
            self._blocks.append(bytes(self._tail))
            self._tail.clear()

    def _through(self, depth: int, data: bytes) -> Iterator[bytes]:
        """`data` after the layers from `depth` on, by pieces; ends when a layer made more than could be needed."""
        self._produced[depth] += len(data)
        if self._produced[depth] > self._limit + SLACK:
            self.full = True
        if self._layers is None or depth == len(self._layers) or not data:
            yield data
            return
        for piece in self._layers[depth].pieces(data):
            yield from self._through(depth + 1, piece)
            if self.full:
                return


def open_layers(codings: Sequence[str], *, most: int) -> list[Layer]:
    """The layers in the order they are undone, the last applied first; raises `BadEncoding` on unknown or too many."""
    if len(codings) > most:
        raise BadEncoding(f"{len(codings)} stacked codings, at most {most}")
    unknown = [coding for coding in codings if coding not in CODINGS]
    if unknown:
        raise BadEncoding(f"unknown coding {unknown[0][:40]!r}")
    return [CODINGS[coding]() for coding in reversed(codings)]


def read_codings(values: Iterable[str]) -> list[str]:
    """The codings named by all Content-Encoding fields, in the order applied (RFC 9110 section 8.4)."""
    names = (name.strip().lower() for value in values for name in value.split(","))
    return [name for name in names if name not in IDENTITY]


def _inflated(inflate: zlib._Decompress, data: bytes) -> bytes:
    try:
        return inflate.decompress(data, PIECE)
    except zlib.error as error:
        raise BadEncoding(f"broken gzip or deflate stream: {error}") from error


def _deflate_wbits(data: bytes) -> int:
    """A zlib header is a method of 8 and a multiple of 31 (RFC 1950 section 2.2); anything else is taken as bare."""
    wrapped = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS
