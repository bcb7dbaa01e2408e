"""Films found again after their credential was stripped: by an ISCC video code, and by their pictures' signatures.

The code (ISO 24138, 256 bits) is in the credential as a soft binding, and names candidates. Two films in one place with
other actors may have codes as near as a film and its copy, so candidates are compared picture by picture. Of 40 clips
and 16 films of the embedded model's world, copies (quality, size, rate, container, grade) differed by at most 23 a
picture, of 760 that are possible; two takes of the same words with other seeds by 44 and more; strangers by 180 and
more. `NEAR` lies between the first two.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from sora_cli.bounded import read_bytes
from sora_cli.errors import MediaError
from sora_cli.media.fingerprint import ELEMENTS, FINER, MOST, RATE, Fingerprint, signatures_of
from sora_cli.store import default_folder
from sora_cli.store.released import KeptRelease, ReleasedFilms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sora_cli.media.fingerprint import Signature

    Signatures = NDArray[np.uint8]
    """Of pictures, one a row: `(n, 380)`."""

ALGORITHM = "io.iscc.v0"
"""Its name in C2PA's list of soft bindings."""
BITS = 256
CANDIDATE = 80
"""Bits in which the codes of a film and a part of it may differ: half of a film of two shots differs by about 70."""
NEAR = 34.0
"""How much a picture's signature may differ, in the mean, from that of the same picture in another encoding."""
MOST_APART = 2 * ELEMENTS
LEAST = 4
"""Pictures that must be compared: fewer show too little."""
_PLAIN = 0.5
"""Share of a signature that is neither darker nor brighter, above which its picture shows nothing: it is one colour."""
_SLACK = 2
"""Ticks that a copy may be longer."""
_MOST_TRIED = 200


class Match(Struct, frozen=True):
    """A released film that a file is a copy of."""

    manifest: Path
    bits: int
    """Bits of the codes, of 256, that differ."""
    difference: float
    """How much the pictures' signatures differ in the mean, 0 to 1."""


class FilmPrint(Struct, frozen=True):
    """What finds a film again: its ISCC, that as bytes, and its pictures' signatures, one a tick, compressed."""

    iscc: str
    code: bytes
    packed: bytes

    @property
    def signatures(self) -> Signatures:
        """The signatures `(n, 380)`."""
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(-1, ELEMENTS)

    @property
    def binding(self) -> dict[str, object]:
        """The assertion `c2pa.soft-binding`."""
        blocks = [{"scope": {}, "value": self.iscc}]
        return {"label": "c2pa.soft-binding", "created": True, "data": {"alg": ALGORITHM, "blocks": blocks}}

    def keep(self, manifest: bytes) -> None:
        """Keep the film's manifest in the store.

        Raises:
            StoreError: the store cannot be written.
        """
        ReleasedFilms(default_folder()).keep(self.code, manifest, self.packed)


def print_of(signatures: Iterable[Signature], finer: int = 1) -> FilmPrint | None:
    """What finds a film again with these signatures, of which each `finer`th is one of its code's.

    None where they show too little, or iscc-core is missing. Of an hour they are 20 MB, and never in memory at once.

    Raises:
        MediaError: as reading the signatures does.
    """
    packer, packed = zlib.compressobj(1), bytearray()
    distinct, total, showing = set[bytes](), np.zeros(ELEMENTS, np.int64), 0
    for tick, signature in enumerate(signatures):
        packed += packer.compress(signature.tobytes())
        if tick % finer == 0:
            name = blake2b(signature.tobytes(), digest_size=16).digest()
            total += signature if name not in distinct else 0
            distinct.add(name)
            showing += bool(_shows(signature))
    if showing < LEAST:
        return None
    try:
        import iscc_core
    except ModuleNotFoundError:
        return None
    # The code is one of the sum of all that differ, which is handed over in their place.
    iscc = iscc_core.gen_video_code_v0([tuple(total.tolist())], bits=BITS)["iscc"]
    packed += packer.flush()
    return FilmPrint(iscc, iscc_core.Code(iscc).hash_bytes, bytes(packed))


def prints_of(prints: Fingerprint, films: Sequence[range]) -> list[FilmPrint | None]:
    """What finds each film again, by its places among the pictures that were taken; None where nothing does."""
    signatures = prints.signatures()
    try:
        return [print_of(islice(signatures, len(film)), FINER) for film in films]
    except MediaError:
        return [None] * len(films)


def of_file(path: Path) -> FilmPrint | None:
    """What finds a film's file again; None where nothing does."""
    try:
        return print_of(signatures_of(path, FINER), FINER)
    except MediaError:
        return None


def bound(manifest: Mapping[str, object], found: FilmPrint | None) -> Mapping[str, object]:
    """The manifest with the film's soft binding."""
    own = manifest["assertions"]
    return {**manifest, "assertions": [*own, found.binding]} if found and isinstance(own, list) else manifest


def find(path: Path) -> Match | None:
    """The released film that a file is a copy of, or a part of; None where it is a stranger.

    Raises:
        MediaError: the file cannot be read as a film.
        StoreError: the store cannot be read.
    """
    asked = print_of(signatures_of(path))
    if asked is None:
        return None
    codes = ((_apart(asked.code, kept.code), kept) for kept in ReleasedFilms(default_folder()).all())
    nearest = sorted((each for each in codes if each[0] <= CANDIDATE), key=lambda each: each[0])[:_MOST_TRIED]
    matches = (Match(kept.manifest, bits, _compared(asked.signatures, kept) / MOST_APART) for bits, kept in nearest)
    return min(
        (match for match in matches if match.difference <= NEAR / MOST_APART),
        key=lambda each: each.difference,
        default=None,
    )


def _compared(asked: Signatures, kept: KeptRelease) -> float:
    """How much pictures differ from those of a released film, at the place of it that is nearest."""
    try:
        flat = zlib.decompressobj().decompress(read_bytes(kept.marks), ELEMENTS * int(MOST * RATE * FINER))
        film = np.frombuffer(flat, np.uint8).reshape(-1, ELEMENTS)
    except (OSError, ValueError, zlib.error):  # damaged: it finds nothing
        return np.inf
    if (len(asked) - 1) * FINER + 1 > len(film) + _SLACK:
        return np.inf
    asked = asked[: len(film[::FINER])]
    places = range(max(1, len(film) - (len(asked) - 1) * FINER))
    return min(difference(asked, film[at::FINER][: len(asked)]) for at in places)


def difference(one: Signatures, other: Signatures) -> float:
    """How much the signatures of two equally long runs of pictures differ in the mean, 0 to 760; plain ones are out."""
    both = _shows(one) & _shows(other)
    if np.count_nonzero(both) < LEAST:
        return np.inf
    return float(np.abs(one[both].astype(np.int8) - other[both].astype(np.int8)).sum(1, dtype=np.int64).mean())


def _shows(signatures: Signatures) -> NDArray[np.bool_]:
    return np.asarray((signatures == 1).mean(-1) <= _PLAIN, np.bool_)


def _apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
