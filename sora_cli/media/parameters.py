"""The parameter sets of an H.264 stream, by which its pictures are read, as MP4 keeps them."""

from __future__ import annotations

from sora_cli.errors import MediaError

NUMBERS = range(9, 32)
"""Numbers for the parameter sets of what is new, of 32 (ITU-T H.264, 7.4.2.1.1): films in use have 0."""


def merged(one: bytes, other: bytes) -> bytes:
    """An `avcC` record (ISO/IEC 14496-15, 5.3.3.1) with the parameter sets of two; levels are the higher one's.

    Raises:
        MediaError: one of them is no such record.
    """
    first, second = _sets(one), _sets(other)
    head = bytes([*one[:3], max(one[3], other[3]), one[4]])
    sequences, pictures = first[0] + second[0], first[1] + second[1]
    counted = bytes([0xE0 | len(sequences)]), bytes([len(pictures)])
    return head + counted[0] + _measured(sequences) + counted[1] + _measured(pictures) + first[2]


def _measured(sets: list[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(2, "big") + each for each in sets)


def _sets(record: bytes) -> tuple[list[bytes], list[bytes], bytes]:
    """The sequence and picture parameter sets of an `avcC` record, and what follows them."""
    if len(record) < 7 or record[0] != 1 or record[4] & 3 != 3:
        raise MediaError("cannot join the films: one of them tells its parameters in another way")
    sequences, at = _taken(record, 6, record[5] & 31)
    pictures, at = _taken(record, at + 1, record[at])
    return sequences, pictures, record[at:]


def _taken(record: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    found = []
    for _ in range(count):
        end = at + 2 + int.from_bytes(record[at : at + 2], "big")
        found.append(record[at + 2 : end])
        at = end
    return found, at


def free_number(record: bytes) -> int | None:
    """A number that no parameter set of an `avcC` record has; none where it cannot be read, or no other set fits in."""
    try:
        sequences, pictures, _ = _sets(record)
    except (MediaError, IndexError):
        return None
    taken = {number_of(each) for each in sequences} | {_first_code(each[1:5]) for each in pictures}
    return next((number for number in NUMBERS if number not in taken), None) if sequences and pictures else None


def number_of(sequence: bytes) -> int:
    """The number of a sequence parameter set: the code after 4 bytes (ITU-T H.264, 7.3.2.1.1)."""
    return _first_code(sequence[4:8])


def _first_code(data: bytes) -> int:
    """The Exp-Golomb code that data begins with (ITU-T H.264, 9.1)."""
    bits = "".join(f"{byte:08b}" for byte in data)
    zeros = len(bits) - len(bits.lstrip("0"))
    return int(bits[zeros : 2 * zeros + 1] or "1", 2) - 1
