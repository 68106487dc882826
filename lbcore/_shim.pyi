# The compiled module as types see it: cffi builds it, and the manual of what is in `lib` are the headers of native/.

from typing import Any

from _cffi_backend import FFI

ffi: FFI
lib: Any
