"""Opens PDF documents for the readers: no script, no form, no address; a bounded number of bytes.

For the process of the sandbox only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pypdfium2
from pypdfium2 import PdfiumError

from evidence.registry import LimitError, MalformedError, UnsupportedError

BYTES = 256 * 2**20


@contextmanager
def opened(stream: BinaryIO) -> Iterator[pypdfium2.PdfDocument]:
    """Open a document; every way in which its bytes can be bad becomes one of our errors."""
    content = stream.read(BYTES + 1)
    if len(content) > BYTES:
        raise LimitError("memory", f"A document of more than {BYTES} bytes is not opened.")
    try:
        document = pypdfium2.PdfDocument(content)
    except PdfiumError as error:
        if "password" in str(error).casefold():
            raise UnsupportedError("The document is locked with a password.") from error
        raise MalformedError(f"PDFium can't read this: {error}") from error
    try:
        yield document
    finally:
        document.close()
