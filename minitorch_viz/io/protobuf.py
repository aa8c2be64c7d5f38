"""Walking through protocol-buffer messages in a file, without reading more than is asked for.

A message is a list of fields; a field begins with a number (which field it is) and a wire type (how long it is).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
MOST_FIELDS = 200_000  # runs of equal fields count once
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """Locate one field, or an unbroken run of equal fields of fixed width."""

    number: int
    wire: int
    begin: int  # BYTES: where its content begins; EIGHT, FOUR: where the run begins, tags included
    end: int
    value: int = 0  # of a VARINT


class Wire:
    """Read messages from a file; all offsets are checked against the message that holds them."""

    def __init__(self, file: BinaryIO, label: str) -> None:
        self.file, self.label, self.seen = file, label, 0

    def fields(self, begin: int, end: int) -> Iterator[Field]:
        """Yield the fields of the message that stands from `begin` to `end`."""
        at = begin
        while at < end:
            self.seen += 1
            if self.seen > MOST_FIELDS:
                raise self.error(f"has more than {MOST_FIELDS} fields")
            start = at
            tag, at = self._varint(at, end)
            number, wire = tag >> 3, tag & 7
            if number == 0 or wire not in (VARINT, EIGHT, BYTES, FOUR):
                raise self.error(f"has an impossible field at byte {start}")
            if wire == VARINT:
                value, at = self._varint(at, end)
                yield Field(number, wire, start, at, value)
                continue
            if wire == BYTES:
                length, at = self._varint(at, end)
                first, at = at, at + length
            else:
                first, at = start, at + (8 if wire == EIGHT else 4)
            if at > end:
                raise self.error(f"has a field at byte {start} that reaches beyond its message")
            if wire != BYTES and tag < 128:
                at += (at - start) * self._more_like(tag, at, end, at - start)
            yield Field(number, wire, first, at)

    def text(self, field: Field) -> str:
        """Return the content of a field as text."""
        if field.wire != BYTES or field.end - field.begin > LONGEST_TEXT:
            raise self.error(f"has a name at byte {field.begin} that is too long or no text")
        return self._bytes(field.begin, field.end - field.begin).decode("utf-8", "replace")

    def integers(self, field: Field) -> list[int]:
        """Return one varint, or those packed into a field."""
        if field.wire == VARINT:
            return [field.value]
        if field.wire != BYTES or field.end - field.begin > LONGEST_TEXT:
            raise self.error(f"has a shape at byte {field.begin} that is too long or none")
        values, at = [], field.begin
        while at < field.end:
            value, at = self._varint(at, field.end)
            values.append(value)
        return values

    def count(self, field: Field, itemsize: int) -> int:
        """Return how many floats of 4 or 8 bytes a field or a run holds; an error if it holds something else."""
        step = self._step(field, itemsize)
        count, remainder = divmod(field.end - field.begin, step)
        if remainder:
            raise self.error(f"has numbers at byte {field.begin} whose length is no multiple of {step}")
        return count

    def floats(self, field: Field, out: Array) -> None:
        """Read the floats of a field or a run into `out`."""
        step = self._step(field, out.itemsize)
        self.file.seek(field.begin)
        skip = step - out.itemsize  # the tag before each number
        for first in range(0, len(out), 2**18):
            part = out[first : first + 2**18]
            octets = np.frombuffer(self._next(len(part) * step), np.uint8).reshape(-1, step)
            part[:] = np.ascontiguousarray(octets[:, skip:]).view(out.dtype.newbyteorder("<"))[:, 0]

    def error(self, text: str) -> WeightsFileError:
        """Return the error with a sentence about this file."""
        return WeightsFileError(f"{self.label} {text}; is it damaged, or no .caffemodel?")

    def _step(self, field: Field, itemsize: int) -> int:
        if field.wire == BYTES:
            return itemsize
        if field.wire != (FOUR if itemsize == 4 else EIGHT):
            raise self.error(f"has numbers of another kind than floats at byte {field.begin}")
        return itemsize + 1  # with the tag; only tags of one byte form runs, and the blobs' fields have such

    def _more_like(self, tag: int, at: int, end: int, step: int) -> int:
        """Return how many fields with the same tag follow without a break."""
        count = 0
        while (room := min((end - at) // step, 2**17)) > 0:
            tags = np.frombuffer(self._bytes(at, room * step), np.uint8)[::step]
            same = room if (tags == tag).all() else int((tags != tag).argmax())
            count, at = count + same, at + same * step
            if same < room:
                break
        return count

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """Return (value, place behind it)."""
        data = self._bytes(at, min(10, end - at))
        value = 0
        for index, byte in enumerate(data):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 128:
                return value & (2**64 - 1), at + index + 1
        raise self.error(f"has a number at byte {at} without an end")

    def _bytes(self, at: int, count: int) -> bytes:
        self.file.seek(at)
        return self._next(count)

    def _next(self, count: int) -> bytes:
        data = self.file.read(count)
        if len(data) != count:
            raise self.error("ends too early: it is cut off")
        return data
