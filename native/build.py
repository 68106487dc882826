"""Builds `lbcore._shim`, the one compiled module, with cffi.

cffi reads the headers themselves: preprocessor lines other than plain numeric #defines are dropped, and so is what
stands between `#ifndef LB_CFFI` and its `#endif`.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from cffi import FFI

# In the order of their dependencies. A header that Python needs nothing of shows nothing: all of it is hidden.
HEADERS = (
    "lockset", "lock", "ctr", "freq", "hash", "counters", "proxyproto", "rec", "tevt", "ask", "sock", "fd", "poll",
    "tmr", "task", "table", "event", "observe", "pend", "proxy", "logline", "outgoing", "h1word", "h1", "h1body",
    "engine", "servers", "sess",
)  # fmt: skip
SOURCES = (
    # primitives
    "lockset", "lock", "ctr", "freq", "hash", "counters", "sock", "ports", "buf",
    # what is remembered
    "table", "table_changes", "table_data", "table_index", "table_life",
    # the loop
    "fd", "poll", "loop", "ev_epoll", "ev_poll", "ev_select", "ev_kqueue", "tmr", "runq", "waitq", "task",
    # HTTP/1
    "h1", "h1body", "h1field", "h1host", "h1word", "casing", "msg",
    # connections, servers, flows
    "conn", "idle", "servers", "listener", "proxyproto", "handshake", "socks4", "bwlim", "chan", "chan_limited",
    "flow", "flow_conn", "flow_srv", "tevt", "logline", "pend", "queue", "observe", "tunnel",
    "exchange", "exch_req", "exch_again", "exch_res", "exch_reply", "exch_pieces", "applet", "outgoing", "page",
    # balancing
    "lb", "lb_heap", "lb_rr", "lb_least", "lb_first", "lb_map", "lb_ring", "lb_key",
    # questions
    "ask", "ask_head", "ask_body", "ask_http", "ask_tcp", "ask_flow",
    # what is counted of clients
    "track", "limit",
    # all of it
    "thr", "turn", "rates", "figures", "sess", "engine",
)  # fmt: skip

# What rules call in the midst of a decision, and what is over sooner than another thread could be woken: these keep
# the GIL, so that a batch of decisions is not cut to pieces. None waits for a lock that Python holds on to (stick
# tables and flows are the shim's), none makes a system call, but that a change may wake who teaches it to peers. The
# same holds for what is done for each of a hundred thousand entries that a peer tells of.
BRIEF = (
    "eng_flow_figure", "eng_flow_track", "eng_flow_tracked", "stk_add", "stk_get", "stk_last_change", "stk_read",
    "stk_read_all", "stk_release", "stk_set", "stk_touch_local", "stk_touch_remote", "stk_write", "stk_write_all",
)  # fmt: skip

HERE = Path(__file__).resolve().parent
DEFINE = re.compile(r"^\s*#\s*define\s+\w+\s+\(?-?(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\)?\s*(/\*.*\*/)?\s*$")


def cdef_of(header: Path) -> str:
    """The part of a header that cffi is shown."""
    shown: list[str] = []
    hidden = 0  # depth of conditionals inside a hidden part
    for line in header.read_text().splitlines():
        word = line.split("/*")[0].split()
        directive = word[0] if word and word[0].startswith("#") else ""
        if hidden:
            hidden += directive in ("#if", "#ifdef", "#ifndef")
            hidden -= directive == "#endif"
            continue
        if word[:2] == ["#ifndef", "LB_CFFI"]:
            hidden = 1
        elif not directive or DEFINE.match(line):
            shown.append(line)
    return "\n".join(shown)


def brief() -> str:
    """What makes cffi's glue hold the GIL in the functions of BRIEF: they are told by the names of their wrappers, and
    the comparisons are done by the compiler."""
    names = " || ".join(f'!__builtin_strcmp(f, "_cffi_f_{name}")' for name in BRIEF)
    return f"""
static inline __attribute__((always_inline)) int lb_is_brief(const char *f) {{ return {names}; }}
#undef Py_BEGIN_ALLOW_THREADS
#undef Py_END_ALLOW_THREADS
#define Py_BEGIN_ALLOW_THREADS {{ PyThreadState *_save = lb_is_brief(__func__) ? NULL : PyEval_SaveThread();
#define Py_END_ALLOW_THREADS if (_save) PyEval_RestoreThread(_save); }}
"""


def cflags() -> list[str]:
    """Warnings are errors in our own tree (LBCORE_WERROR=1), not on a user's unknown compiler."""
    flags = ["-std=gnu11", "-O2", "-g", "-fno-strict-aliasing", "-fvisibility=hidden", "-Wall", "-Wextra"]
    flags += ["-Wno-unused-function"]  # cffi's own glue has some
    return flags + (["-Werror"] if os.environ.get("LBCORE_WERROR") else [])


def builder() -> FFI:
    """The FFI object that setuptools' `cffi_modules` compiles."""
    headers = [HERE / "include" / f"{name}.h" for name in HEADERS]
    ffi = FFI()
    ffi.cdef("\n".join(cdef_of(h) for h in headers))
    ffi.set_source(
        "lbcore._shim",
        "\n".join(f'#include "{h.name}"' for h in headers) + brief(),
        sources=[f"native/src/{name}.c" for name in SOURCES],
        include_dirs=["native/include"],
        extra_compile_args=cflags(),
        libraries=["pthread"],
    )
    return ffi


ffibuilder = builder()

if __name__ == "__main__":
    os.chdir(HERE.parent)
    ffibuilder.compile(verbose=True)
