"""The name of a Region, whoever says it: a credential scope, or an answer of S3.

It is filled into the endpoint's template and signed for, so that nothing but a name may pass for
one: no dot, slash or colon could lead below another authority.
"""

import re
from fnmatch import fnmatchcase
from functools import lru_cache

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)*-[0-9]+", re.ASCII)


@lru_cache(maxsize=256)
def is_region(name: str, globs: tuple[str, ...] = ("*",)) -> bool:
    """Whether it is a Region's name and one of the globs fits; clients use a handful of them."""
    fits = any(fnmatchcase(name, pattern) for pattern in globs)
    return fits and _REGION.fullmatch(name) is not None
