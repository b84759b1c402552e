"""RFC 5891: a host name in Unicode -> its form in ASCII, with xn--, as browsers look it up.

Python's codec is of RFC 3490, which writes ss for a sharp s, a usual sigma for a final one, and
nothing for the joiners of Persian and Indic names. RFC 5891 keeps these four, and so do browsers:
without them, the name would lead to another owner's server.
"""

from __future__ import annotations

import re

KEPT = re.compile("([\u00df\u03c2\u200c\u200d])")
DOTS = re.compile("[.\u3002\uff0e\uff61]")


def in_ascii(host: str) -> str:
    """The name in ASCII. UnicodeError for what no name has, such as half a surrogate pair."""
    if KEPT.search(host):
        return ".".join(map(_label_in_ascii, DOTS.split(host)))
    return host.encode("idna").decode("ascii")


def _label_in_ascii(label: str) -> str:
    """All of the label but the kept characters is mapped and checked as the codec does it."""
    from encodings.idna import nameprep  # with its tables; few names need them

    if not KEPT.search(label):
        return label.encode("idna").decode("ascii")
    prepared = "".join(
        part if KEPT.fullmatch(part) else nameprep(part) for part in KEPT.split(label)
    )
    return f"xn--{prepared.encode('punycode').decode('ascii')}"
