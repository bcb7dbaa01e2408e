"""Text of unknown origin: what it says, and in which encoding that was found."""

from __future__ import annotations

import codecs

_NAMES = {
    "cp1252": "Windows-1252",
    "mac_roman": "Mac Roman",
    "cp1251": "Windows-1251",
    "shift_jis": "Shift JIS",
    "gb18030": "GB 18030",
    "euc_kr": "EUC-KR",
}
"""The encodings that text programs still save in, where they do not save in Unicode."""


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file, and the name of its encoding; empty where the file itself makes sure of that (Unicode).

    Raises:
        UnicodeDecodeError: it is in no encoding that sora knows.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace"), ""
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(data, cp_isolation=list(_NAMES)).best()
        name = best.encoding if best is not None else "cp1252"
        return data.decode(name), _NAMES[name]
