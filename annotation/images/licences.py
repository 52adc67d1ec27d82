"""Which licences a photograph can have, and which of them let it into a release.

A release is a copy in which faces are turned, cut and scaled. "All rights reserved" allows no
copy, "no derivatives" no such change; both stay out unless a curator says that permission was
given.
"""

import re
from typing import NamedTuple


class Licence(NamedTuple):
    """A licence as ``flickr.photos.licenses.getInfo`` numbers it."""

    number: int
    name: str
    may_be_released: bool


LICENCES = (
    Licence(0, "All Rights Reserved", False),
    Licence(1, "CC BY-NC-SA 2.0", True),
    Licence(2, "CC BY-NC 2.0", True),
    Licence(3, "CC BY-NC-ND 2.0", False),
    Licence(4, "CC BY 2.0", True),
    Licence(5, "CC BY-SA 2.0", True),
    Licence(6, "CC BY-ND 2.0", False),
    Licence(7, "No known copyright restrictions", True),
    Licence(8, "United States Government Work", True),
    Licence(9, "CC0 1.0", True),
    Licence(10, "Public Domain Mark 1.0", True),
    Licence(11, "CC BY 4.0", True),
    Licence(12, "CC BY-SA 4.0", True),
    Licence(13, "CC BY-ND 4.0", False),
    Licence(14, "CC BY-NC 4.0", True),
    Licence(15, "CC BY-NC-SA 4.0", True),
    Licence(16, "CC BY-NC-ND 4.0", False),
)
BY_NUMBER = {licence.number: licence for licence in LICENCES}
OPEN = tuple(licence.number for licence in LICENCES if licence.may_be_released)
UNKNOWN = "Flickr licence "
"""Begins the name of a licence whose number is not listed here."""
_RESERVED = re.compile(r"all\s+rights?\s+reserved|^\s*(©|\(c\)|copyright)", re.IGNORECASE)
_NO_DERIVATIVES = re.compile(r"\bnd\b|no[\s-]*deriv", re.IGNORECASE)


def release_refusal(licence: str | None) -> str:
    """Why a photograph under ``licence`` stays out of a release, or "" where it may be in it.

    An unknown or empty licence is no reason: a laboratory's own photographs have none written.
    """
    told = licence or ""
    if told.startswith(UNKNOWN):
        return "licence: not known to this version"
    if _RESERVED.search(told):
        return "licence: all rights reserved"
    if _NO_DERIVATIVES.search(told):
        return "licence: no derivatives"
    return ""
