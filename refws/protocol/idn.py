"""RFC 5891: a host name in Unicode -> its form in ASCII, with xn--, as browsers look it up.

Python's codec is of RFC 3490, which writes ss for a sharp s, a usual sigma for a final one, and
nothing for the joiners of Persian and Indic names. RFC 5891 keeps these four, and so do browsers:
without them, the name would lead to another owner's server.
"""

from __future__ import annotations

import re
from unicodedata import normalize

KEPT = re.compile("[\u00df\u03c2\u200c\u200d]")
DOTS = re.compile("[.\u3002\uff0e\uff61]")


def in_ascii(host: str) -> str:
    """The name in ASCII. UnicodeError for what is no name, such as an empty or long label."""
    if KEPT.search(host):
        return ".".join(map(_label_in_ascii, DOTS.split(host)))
    return host.encode("idna").decode("ascii")


def _label_in_ascii(label: str) -> str:
    if KEPT.search(label):
        kept = normalize("NFKC", label.lower())
        return f"xn--{kept.encode('punycode').decode('ascii')}"
    return label.encode("idna").decode("ascii")
