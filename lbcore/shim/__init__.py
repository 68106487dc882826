"""The one door to the compiled module.

`lbcore._shim` is built from `native/` by cffi. Only this folder imports it; everybody else takes `ffi` and `lib` from
here, so that it is one place that says what is missing when the module was not built, and one place to look for who
calls C. The headers in `native/include` are the manual of what is in `lib`.

Every call releases the GIL. That costs about a tenth of a microsecond, and more when other threads want it: batch.
C never calls back into Python, prints nothing, and returns a count or a negative errno, which `check` makes an OSError.
Handles that `lib.*_new` gives belong to the caller, who hands them to `lib.*_free` or `lib.*_del`, best through
`ffi.gc`. No locks here: importing is all this module does.
"""

from __future__ import annotations

import os
from typing import Any

try:
    from lbcore import _shim
except ImportError as e:
    raise ImportError("lbcore._shim cannot be loaded: install the package, or run native/build.py") from e

ffi = _shim.ffi
lib: Any = _shim.lib


def check(ret: int) -> int:
    """What a call returned, if it is not an error; raises OSError with the errno that a negative value stands for."""
    if ret < 0:
        raise OSError(-ret, os.strerror(-ret))
    return ret


def text(chars: Any) -> str:
    """The terminated string at a `char *`; bytes that are not UTF-8 survive as os.fsdecode() keeps them."""
    return bytes(ffi.string(chars)).decode(errors="surrogateescape")  # type: ignore[arg-type]
