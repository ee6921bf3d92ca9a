"""Reads the logs of Inspect in its own format, ``.eval``: a ZIP archive of JSON, its parts compressed by Zstandard.

Python before 3.14 knows no Zstandard; package ``zstandard``, which Inspect brings along, does.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokenmaze.benchmarks.typed_json import InvalidResult

ZSTANDARD = 93
"""The method of compression, by the ZIP specification (PKWARE's APPNOTE.TXT, 4.4.5)."""
MAX_PART = 2**28
"""Bytes of a sample, unpacked."""
LOCAL_HEADER = 30
"""Bytes before the name of a part."""


def is_archive(path: Path) -> bool:
    """Whether a file begins as a ZIP archive does. Raises OSError."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def samples_of_archive(path: Path) -> tuple[dict[str, Any], Iterator[Any]]:
    """The header of a log, and its samples one by one.

    Raises InvalidResult, also from the samples, for an archive that is no such log, or that nothing here can unpack.
    """
    try:
        data = path.read_bytes()
        archive = zipfile.ZipFile(io.BytesIO(data))
        parts = {part.filename: part for part in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise InvalidResult(f"Expects a log of Inspect, actual: a broken archive ({error})") from None
    if "header.json" not in parts:
        raise InvalidResult("Expects a log of an evaluation that ended, actual: an archive without header.json")
    names = sorted((name for name in parts if re.fullmatch(r"samples/.+\.json", name)), key=_natural)
    header = _unpacked(archive, parts["header.json"], data)
    if not isinstance(header, dict):
        raise InvalidResult("Expects header.json as an object, actual: other JSON")
    return header, (_unpacked(archive, parts[name], data) for name in names)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts ``sample/2`` before ``sample/10``."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"([0-9]+)", name)]


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo, data: bytes) -> Any:
    """The JSON of a part."""
    if part.file_size > MAX_PART:
        raise InvalidResult(f"Expects parts up to {MAX_PART:,} bytes, actual: {part.filename} has {part.file_size:,}")
    try:
        if part.compress_type == ZSTANDARD:
            return json.loads(_zstandard(part, data))
        with archive.open(part) as stream:
            return json.loads(stream.read(MAX_PART + 1)[: MAX_PART + 1])
    except (ValueError, OSError, EOFError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile) as error:
        if isinstance(error, InvalidResult):
            raise
        raise InvalidResult(f"Expects part {part.filename} as JSON, actual: {error}") from None


def _zstandard(part: zipfile.ZipInfo, data: bytes) -> bytes:
    try:
        import zstandard
    except ModuleNotFoundError:
        advice = "pip install zstandard, or make it JSON: inspect log convert LOG --to json --output-dir FOLDER"
        raise InvalidResult(f"Expects a log that can be unpacked, actual: one in Zstandard; {advice}") from None
    begin = part.header_offset
    lengths = [
        int.from_bytes(data[begin + at : begin + at + 2], "little") for at in (26, 28)
    ]  # of name and extra field
    start = begin + LOCAL_HEADER + sum(lengths)
    packed = io.BytesIO(data[start : start + part.compress_size])
    try:
        with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(packed) as stream:
            return stream.read(part.file_size)
    except zstandard.ZstdError as error:
        raise InvalidResult(f"Expects part {part.filename} in Zstandard, actual: {error}") from None
