"""Scores of unknown origin, looked through before they are parsed: cheap, and in linear time.

A parser of scores builds what a file says; what can be told from its outside (its size, its depth,
entities, what an archive holds) is refused here. Pure.
"""

import re
import zipfile
from codecs import BOM_UTF8
from io import BytesIO
from pathlib import PurePosixPath
from xml.parsers import expat

MAX_XML_BYTES = 20_000_000
"""The largest MusicXML, packed or not. A string quartet of 15 minutes has 5 million bytes."""

MAX_DEPTH = 64
"""Of elements within elements: MusicXML itself has about ten."""

MAX_LINE = 10_000
"""Characters in a line of ABC or Humdrum."""

# Bars of thousands of beats: in music21, time and memory grow with the square of their number.
_VAST_METER = re.compile(rb"(?m)(?:^M:|\[M:|\*M|<beats>)[ \t]*\d{4}")

_MAX_MEMBERS = 1_000
_COMPRESSION = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # all that MusicXML's archives may use
_ENCRYPTED = 0x1


class ScreeningError(ValueError):
    """A score isn't fit for parsing; the message says why."""


def unpack(content: bytes) -> bytes:
    """The MusicXML in an .mxl archive: nothing is written to disk, and no name is followed.

    Raises:
        ScreeningError: it isn't a sound archive, has no score, or inflates too far.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            member = _score_in(archive)
            with archive.open(member) as file:
                found = file.read(MAX_XML_BYTES + 1)  # whatever size the archive's index says
    except ScreeningError:
        raise
    except Exception as error:  # those of bad archives are not listed
        raise ScreeningError(f"it is not a sound archive ({error})") from None
    if len(found) > MAX_XML_BYTES:
        raise ScreeningError(f"it inflates to more than {MAX_XML_BYTES:,} bytes")
    return found


def _score_in(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The first member that is MusicXML by its name."""
    members = archive.infolist()
    if len(members) > _MAX_MEMBERS:
        raise ScreeningError(
            f"it has {len(members):,} files in it, expected at most {_MAX_MEMBERS:,}"
        )
    for member in members:
        path = PurePosixPath(member.filename)
        if "META-INF" in path.parts or path.suffix not in (".musicxml", ".xml", ".mxl"):
            continue
        if ".." in path.parts or path.is_absolute():
            raise ScreeningError("a file in it has a name that leads out of it")
        if member.compress_type not in _COMPRESSION or member.flag_bits & _ENCRYPTED:
            raise ScreeningError("its score is packed in a way that MusicXML doesn't have")
        if member.file_size > MAX_XML_BYTES:
            raise ScreeningError(f"it inflates to more than {MAX_XML_BYTES:,} bytes")
        return member
    raise ScreeningError("there is no score in it")


def screen_xml(content: bytes) -> None:
    """Look through MusicXML. Its ordinary DOCTYPE may stand; nothing that it names is fetched.

    Raises:
        ScreeningError: it isn't well-formed, declares entities, is deeper than `MAX_DEPTH`, or has
            bars of more than 999 beats.
    """
    _screen_meters(content)
    depth = 0

    def start(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise ScreeningError(f"its elements are more than {MAX_DEPTH} deep")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declare(*_entity: object) -> None:
        raise ScreeningError("it declares entities")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.EntityDeclHandler = declare
    try:
        parser.Parse(content, True)
    except ScreeningError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # or of an unknown encoding
        raise ScreeningError(f"it is not sound XML ({error})") from None


def screen_lines(content: bytes) -> bytes:
    """ABC or Humdrum in UTF-8, without a mark of that; Latin-1 is what is not UTF-8.

    Raises:
        ScreeningError: a line is longer than `MAX_LINE`, it is no text, or has bars of more than
            999 beats.
    """
    _screen_meters(content)
    content = content.removeprefix(BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise ScreeningError("it is not text")
    if any(len(line) > MAX_LINE for line in text.splitlines()):
        raise ScreeningError(f"a line has more than {MAX_LINE:,} characters")
    return text.encode()


def _screen_meters(content: bytes) -> None:
    if _VAST_METER.search(content):
        raise ScreeningError("it has bars of more than 999 beats")
