"""The name of a Region, whoever says it: a credential scope, or an answer of S3.

It is filled into the endpoint's template and signed for, so that nothing but a name may pass for
one: no dot, slash or colon could lead below another authority.
"""

import re
from fnmatch import fnmatchcase
from functools import lru_cache

#: Characters: longer than any, so that no stranger's text is remembered.
_LONGEST = 40
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z0-9]+)*-[0-9]+", re.ASCII)


def is_region(name: str, globs: tuple[str, ...] = ("*",)) -> bool:
    """Whether it is a Region's name and one of the globs fits."""
    return len(name) <= _LONGEST and _fits(name, globs)


@lru_cache(maxsize=256)  # clients use a handful of them
def _fits(name: str, globs: tuple[str, ...]) -> bool:
    fits = any(fnmatchcase(name, pattern) for pattern in globs)
    return fits and _REGION.fullmatch(name) is not None
