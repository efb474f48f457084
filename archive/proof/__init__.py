"""Proof: what the archive's custody means, and how anybody can check it.

No Django, no clock, no network, no third-party code; values in, values out.  Python 3.9 or newer.
The server records with these modules, and the stand-alone verifier is this folder, zipped.
Only ``bundle`` and ``__main__`` touch files.
"""
