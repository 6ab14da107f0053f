"""The bytes of a file: compression, encoding, and what can go wrong with them."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rtlab.errors import DataError, ParameterError

UNREADABLE = "\udcff"  # stands where bytes could not be decoded; decoded text never holds it


def _mark(error: UnicodeError) -> tuple[str, int]:
    return UNREADABLE, error.end if isinstance(error, UnicodeDecodeError) else 0


codecs.register_error("rtlab.mark", _mark)

_PACKED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what can go wrong with a file into one clear sentence that names it."""
    try:
        yield
    except DataError as error:
        raise type(error)(f"{path}: {error}") from None
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file; check its name and folder") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder; name a file in it") from None
    except PermissionError:
        raise DataError(f"{path} may not be read by you; ask for the permission") from None
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise DataError(
            f"{path} is cut short or damaged ({error}); fetch it or compress it again"
        ) from None
    except UnicodeError as error:
        raise DataError(f"{path}: {error}; give another encoding (--encoding)") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from None


def unpacked(path: Path) -> BinaryIO:
    """Open a file for its bytes, decompressed where the first ones say that it is packed."""
    with path.open("rb") as file:
        start = file.read(6)
    opener = next((known for magic, known in _PACKED.items() if start.startswith(magic)), None)
    return opener(path, "rb") if opener else path.open("rb")


def encoding_of(path: Path, given: str | None) -> tuple[str, str, bool]:
    """Settle the encoding, say why, and tell whether some bytes are not text in it."""
    with unpacked(path) as stream:
        start = stream.read(1 << 12)
    marked = next((name for bom, name in _BOMS.items() if start.startswith(bom)), None)
    even, odd = start[::2].count(0), start[1::2].count(0)  # ASCII in UTF-16 has a 0 in every pair
    if marked is None and max(even, odd) > len(start) // 4 > 8 * min(even, odd):
        marked = "utf-16-be" if even > odd else "utf-16-le"
    names = [marked] if marked else ["utf-8", "gb18030", "cp1252"]
    why = "it says so" if start[:3] in _BOMS or start[:2] in _BOMS else "guessed"
    if given is not None:
        try:
            known = codecs.lookup(given).name
            _ = "".encode(given)
        except LookupError:
            raise ParameterError(
                f"encoding={given!r} is not a text encoding; try utf-8, gb18030 or cp1252"
            ) from None
        names = [marked] if marked and marked[:5] == known[:5] else [known]
        why = "given"
    if not re.search("16|32", names[0]):
        refuse_binary(start)
    for name in names:
        foreign, bad, nul = _tally(path, name)
        if (bad == 0 and name != "gb18030") or foreign > 10 * bad:
            break
    return name, f"encoding: {name.removesuffix('-sig')} ({why})", bool(bad or nul)


def _tally(path: Path, encoding: str) -> tuple[int, int, int]:
    """Count characters beyond ASCII, sequences that are not in the encoding, and NULs.

    Western text often happens to decode as GB 18030, into rare characters: there, only common
    ones count, and rare ones count against it.
    """
    decoder = codecs.getincrementaldecoder(encoding)("rtlab.mark")
    foreign = bad = nul = 0
    with unpacked(path) as stream:
        while True:
            piece = stream.read(1 << 20)
            text = decoder.decode(piece, not piece)
            if not text.isascii():
                marks, plain = text.count(UNREADABLE), len(text.encode("ascii", "ignore"))
                beyond = len(text) - plain - marks
                if encoding == "gb18030":
                    beyond = len(text.encode("gb2312", "ignore")) - plain - beyond
                foreign, bad = foreign + beyond, bad + marks
            nul += text.count("\0")
            if not piece:
                return foreign, bad, nul


def refuse_binary(start: bytes) -> None:
    """Say what a file is that is no text."""
    if start.startswith(b"PK\x03\x04"):
        raise DataError("it is a zip or Excel file; unpack it, or save the sheet as CSV")
    odd = sum(byte < 9 or 13 < byte < 32 for byte in start)
    if odd > len(start) // 10 + 1:
        raise DataError("it is not text; give CSV, JSON lines or Parquet")
