"""MP4 and MOV files: how they are laid out, their tracks, and where every frame is (ISO/IEC 14496-12)."""

from __future__ import annotations

from dataclasses import dataclass

from orthanc_video.bitstream.boxes import Box, Node, Source, child, fields, load, top_level
from orthanc_video.bitstream.sampletable import SampleTable, samples
from orthanc_video.bitstream.tracks import Edit, Movie, Track, movie, movie_tracks, tracks

__all__ = ["Box", "Edit", "Layout", "SampleTable", "Source", "Track", "layout", "samples", "top_level", "tracks"]

_MOST_BRAND_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is laid out. ``major_brand`` is "" for a QuickTime file without ftyp box.

    ``moov_before_mdat``: the index lies before all pictures. ``fragmented``: it has fragments, or announces them.
    ``elsewhere``: a track names another file as one that holds its media.
    ``stream_size`` is the length of all boxes in bytes: that of the stream without the byte DICOM pads it with.
    """

    major_brand: str
    compatible_brands: tuple[str, ...]
    moov_before_mdat: bool
    fragmented: bool
    encrypted: bool
    elsewhere: bool
    stream_size: int


def layout(source: Source) -> Layout:
    """The layout of a file; ``BrokenVideo`` when it is truncated, has no index, or one that is broken."""
    file = movie(source)
    ftyp = next((box for box in file.boxes if box.kind == "ftyp"), None)
    major, compatible = _brands(load(source, ftyp, _MOST_BRAND_BYTES)) if ftyp else ("", ())
    pictures = next((box.offset for box in file.boxes if box.kind == "mdat"), source.size)
    return Layout(
        major_brand=major,
        compatible_brands=compatible,
        moov_before_mdat=file.moov.box.offset < pictures,
        fragmented=file.fragmented,
        encrypted=_is_encrypted(file),
        elsewhere=any(track.elsewhere for track in movie_tracks(file)),
        stream_size=file.boxes[-1].end,
    )


def _brands(ftyp: Node) -> tuple[str, tuple[str, ...]]:
    """4.3: the major brand, its version, then all compatible brands."""
    major = fields(ftyp, "4s")[0].decode("latin-1")
    rest = bytes(ftyp.content[8:]).decode("latin-1")
    return major, tuple(rest[at : at + 4] for at in range(0, len(rest) - 3, 4))


def _is_encrypted(file: Movie) -> bool:
    """Whether a sample entry is protected, or the index carries keys for it (ISO/IEC 23001-7 8.1)."""
    return child(file.moov, "pssh") is not None or any(track.encrypted for track in movie_tracks(file))
