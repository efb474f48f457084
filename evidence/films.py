"""Opens video and sound for the readers: known containers only, no address followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
import av.container
import av.error

from evidence.registry import LimitError, MalformedError, UnsupportedError

#: FFmpeg's names of the containers that are read.  Playlists (hls, dash, concat) name other files.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mp3,wav,flac,ogg,aac,mpeg,mpegts,asf,flv,amr,aiff"
)
PIXELS = 8192 * 4320


@contextmanager
def opened(stream: BinaryIO, *, threads: int = 1) -> Iterator[av.container.InputContainer]:
    """Open a film or a recording; every way in which its bytes can be bad becomes our error.

    It is decoded on so many threads.  One is the rule: other files are looked at beside it.
    """
    try:
        with av.open(
            stream,
            mode="r",
            metadata_errors="backslashreplace",
            # An empty list of protocols means all of them: "none" is a name that nothing has.
            options={"protocol_whitelist": "none", "format_whitelist": FORMATS},
        ) as container:
            for one in container.streams:
                context = getattr(one, "codec_context", None)
                if context is None:
                    continue
                context.thread_count = threads
                context.thread_type = "AUTO" if threads > 1 else "NONE"
                if one.type == "video" and context.width * context.height > PIXELS:
                    raise LimitError("pixels", f"A frame has more than {PIXELS} pixels.")
                if one.type == "video":
                    context.options = {"max_pixels": str(PIXELS)}
            yield container
    except av.error.MemoryError as error:
        raise MemoryError from error
    except (
        av.error.DecoderNotFoundError,
        av.error.DemuxerNotFoundError,
        av.error.PatchWelcomeError,
    ) as error:
        raise UnsupportedError(f"FFmpeg does not read this: {error}") from error
    except av.error.InvalidDataError as error:
        raise MalformedError(f"FFmpeg can't read this: {error}") from error


def pictures(source: av.container.InputContainer) -> list[Any]:
    """Return the streams of moving pictures: not the cover of a record."""
    cover = av.stream.Disposition.attached_pic
    return [one for one in source.streams.video if not one.disposition & cover]


def frames(
    source: av.container.InputContainer, streams: list[Any], notes: list[str]
) -> Iterator[Any]:
    """Decode; where the bytes break off, what came before is kept and the break is said."""
    try:
        for packet in source.demux(streams):
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                if "Some of it could not be decoded." not in notes:
                    notes.append("Some of it could not be decoded.")
    except av.error.EOFError:
        return
