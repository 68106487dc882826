"""The data types that a stick table can store (manual 4.2, "stick-table", "store")."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from lbcore.shim import lib


class Kind(IntEnum):
    """What an element of a type is."""

    SINT = lib.STK_KIND_SINT
    UINT = lib.STK_KIND_UINT
    ULL = lib.STK_KIND_ULL
    RATE = lib.STK_KIND_RATE  # events of a period
    DICT = lib.STK_KIND_DICT  # a text that the table keeps once


_KINDS = tuple(Kind(lib.stk_kind(number)) for number in range(lib.STK_TYPES))


class DataType(NamedTuple):
    """A row. `number` is the shim's, and the one that peers know it by. Arrays have up to 100 elements, which
    `element` names one by one in dumps."""

    name: str
    number: int
    array: bool = False
    element: str = ""

    @property
    def kind(self) -> Kind:
        return _KINDS[self.number]

    @property
    def is_rate(self) -> bool:
        """Whether it is stored with a period."""
        return self.kind is Kind.RATE


# In the order of their numbers, in which dumps show them.
ROWS = (
    DataType("server_id", lib.STK_SERVER_ID),
    DataType("gpt0", lib.STK_GPT0),
    DataType("gpc0", lib.STK_GPC0),
    DataType("gpc0_rate", lib.STK_GPC0_RATE),
    DataType("conn_cnt", lib.STK_CONN_CNT),
    DataType("conn_rate", lib.STK_CONN_RATE),
    DataType("conn_cur", lib.STK_CONN_CUR),
    DataType("sess_cnt", lib.STK_SESS_CNT),
    DataType("sess_rate", lib.STK_SESS_RATE),
    DataType("http_req_cnt", lib.STK_HTTP_REQ_CNT),
    DataType("http_req_rate", lib.STK_HTTP_REQ_RATE),
    DataType("http_err_cnt", lib.STK_HTTP_ERR_CNT),
    DataType("http_err_rate", lib.STK_HTTP_ERR_RATE),
    DataType("bytes_in_cnt", lib.STK_BYTES_IN_CNT),
    DataType("bytes_in_rate", lib.STK_BYTES_IN_RATE),
    DataType("bytes_out_cnt", lib.STK_BYTES_OUT_CNT),
    DataType("bytes_out_rate", lib.STK_BYTES_OUT_RATE),
    DataType("gpc1", lib.STK_GPC1),
    DataType("gpc1_rate", lib.STK_GPC1_RATE),
    DataType("server_key", lib.STK_SERVER_KEY),
    DataType("http_fail_cnt", lib.STK_HTTP_FAIL_CNT),
    DataType("http_fail_rate", lib.STK_HTTP_FAIL_RATE),
    DataType("gpt", lib.STK_GPT, array=True, element="gpt{}"),
    DataType("gpc", lib.STK_GPC, array=True, element="gpc{}"),
    DataType("gpc_rate", lib.STK_GPC_RATE, array=True, element="gpc{}_rate"),
    DataType("glitch_cnt", lib.STK_GLITCH_CNT),
    DataType("glitch_rate", lib.STK_GLITCH_RATE),
)
TYPES = {row.name: row for row in ROWS}
ELEMENTS_MAX: int = lib.STK_ELEMENTS_MAX

# A rule or fetch about the type on the left means the first or second element of the array on the right where a table
# stores that one instead (manual 7.3.3, "sc_get_gpc0").
AS_ELEMENT = {
    "gpc0": ("gpc", 0),
    "gpc1": ("gpc", 1),
    "gpc0_rate": ("gpc_rate", 0),
    "gpc1_rate": ("gpc_rate", 1),
    "gpt0": ("gpt", 0),
}

if [row.number for row in ROWS] != list(range(lib.STK_TYPES)):
    raise ImportError("lbcore.table.types and native/include/table.h disagree")
