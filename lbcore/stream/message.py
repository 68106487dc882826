"""A request or a response as rules see and change it: its first line, its fields, its body as far as it is known.

Fields are kept as one text in the shim's normal form (native/include/ask.h): CR LF, name in lower case, ": ", value,
for each, and CR LF at the end. Looking for a field is one search in that text, and what the rules leave alone is
never taken apart. Text is latin-1: one character a byte. A message belongs to its worker; no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lbcore.http.members import split_list

END = "\r\n"


class Fields:
    """The fields of a head. `text` is their normal form, `changed` whether a rule has touched them."""

    changed = False
    intact = -1  # length of the beginning of `text` that is what was received; -1: that, or the first line, was changed
    # of the body, as far as it was asked for
    body: bytes | None = None  # what of it is here, None: nobody asked for it
    whole_body = False  # `body` is all of it
    body_size = 0
    has_body = False

    def __init__(self, text: str) -> None:
        self.text = text

    def get(self, name: str) -> str | None:
        """The whole value of the first field called `name` (lower case), None if there is none."""
        text = self.text
        mark = f"\r\n{name}: "
        at = text.find(mark)
        if at < 0:
            return None
        at += len(mark)
        return text[at : text.find(END, at)]

    def last(self, name: str) -> str | None:
        """As `get`, of the last one."""
        text = self.text
        mark = f"\r\n{name}: "
        at = text.rfind(mark)
        if at < 0:
            return None
        at += len(mark)
        return text[at : text.find(END, at)]

    def all(self, name: str) -> list[str]:
        """The whole values of all fields called `name`, in their order."""
        text = self.text
        mark = f"\r\n{name}: "
        found = []
        at = text.find(mark)
        while at >= 0:
            end = text.find(END, at + len(mark))
            found.append(text[at + len(mark) : end])
            at = text.find(mark, end)
        return found

    def values(self, name: str) -> list[str]:
        """The members of all fields called `name`, taken apart at commas."""
        return [part for value in self.all(name) for part in split_list(value)]

    def items(self) -> Iterator[tuple[str, str]]:
        """(name, value) of every field."""
        for line in self.text[2:].split(END):
            if line:
                name, _, value = line.partition(": ")
                yield name, value

    def add(self, name: str, value: str) -> None:
        """Adds a field at the end. The caller has made sure that neither text has CR, LF or NUL."""
        self.text += f"{name.lower()}: {value}\r\n"
        self.changed = True

    def set(self, name: str, value: str) -> None:
        """Removes all fields called `name`, then adds this one."""
        name = name.lower()
        if f"\r\n{name}: " in self.text:
            self.remove(name)
        self.add(name, value)

    def remove(self, name: str) -> int:
        """Removes all fields called `name` (any case); how many."""
        return self.remove_if(name.lower().__eq__) if f"\r\n{name.lower()}: " in self.text else 0

    def remove_if(self, unwanted: Callable[[str], bool]) -> int:
        """Removes the fields whose name `unwanted(name)` says so of; how many."""
        lines = self.text[2:].split(END)
        kept = [line for line in lines if not (line and unwanted(line.partition(": ")[0]))]
        gone = len(lines) - len(kept)
        if gone:
            self.replace_lines(kept)
        return gone

    def lines(self) -> list[str]:
        """`name: value` of every field, and an empty text at the end."""
        return self.text[2:].split(END)

    def replace_lines(self, lines: list[str]) -> None:
        """Sets what `lines()` gave, changed."""
        self.text = END + END.join(lines)
        self.changed = True
        self.intact = -1


class Request(Fields):
    """A request. `target` is the second word of its first line, as received unless a rule changed it."""

    def __init__(self, head: str, method_len: int, target_len: int) -> None:
        """From the shim's normal form of a head, and the lengths of the first two words of its first line."""
        end = method_len + 1 + target_len
        line_end = head.find(END, end)
        self._head = head
        self.text = fields = head[line_end:-2]
        self.intact = len(fields)
        self.method = head[:method_len]
        self.target = head[method_len + 1 : end]
        self.version = head[end + 1 : line_end]

    @classmethod
    def of(cls, method: str, target: str, version: str, fields: str) -> Request:
        """From the words of its first line, and its fields as `text` has them."""
        return cls(f"{method} {target} {version}{fields}\r\n", len(method), len(target))

    @property
    def first_line(self) -> str:
        """The first line as it was received, whatever rules have made of the request."""
        head = self._head
        return head[: head.find(END)]

    @property
    def received_head(self) -> str:
        """The whole head as it was received."""
        return self._head

    def received(self) -> Request:
        """The first line as it was received, as a request of its own without fields."""
        method, target, version = self.first_line.split(" ", 2)
        return Request.of(method, target, version, END)

    # Nothing of these is kept: nearly all targets begin with "/", of which a slice is all that it takes.

    @property
    def path(self) -> str:
        """The path without the query; "" if the target has none (CONNECT)."""
        target = self.target
        if target[:1] != "/":
            target = self.pathq
        at = target.find("?")
        return target if at < 0 else target[:at]

    @property
    def abs_path(self) -> str | None:
        """The path if there is one: `OPTIONS *` and CONNECT have none."""
        target = self.target
        if target[:1] != "/":
            target = self.pathq
            if target[:1] != "/":
                return None
        at = target.find("?")
        return target if at < 0 else target[:at]

    @property
    def abs_pathq(self) -> str | None:
        """The path with the query, if there is a path."""
        pathq = self.pathq
        return pathq if pathq[:1] == "/" else None

    @property
    def query(self) -> str | None:
        """What stands behind the first "?", None without one."""
        _, mark, rest = self.target.partition("?")
        return rest if mark else None

    @property
    def pathq(self) -> str:
        """The path with the query, "*" of `OPTIONS *`, "" if the target has neither."""
        target = self.target
        if target[:1] == "/" or target == "*":
            return target
        scheme = target.find("://")
        if scheme < 0:
            return ""
        slash = target.find("/", scheme + 3)
        if slash >= 0:
            return target[slash:]
        mark = target.find("?", scheme + 3)
        return "/" + target[mark:] if mark >= 0 else "/"

    def set_target(self, target: str) -> None:
        """Replaces the whole target (`set-uri`)."""
        self.target = target
        self.changed = True
        self.intact = -1

    def set_pathq(self, pathq: str) -> None:
        """Replaces path and query; scheme and authority of an absolute target stay."""
        old = self.pathq
        prefix = self.target[: len(self.target) - len(old)] if old and self.target.endswith(old) else ""
        if not prefix and "://" in self.target:
            prefix = self.target.partition("?")[0]
        self.set_target(prefix + pathq)

    def set_method(self, method: str) -> None:
        self.method = method
        self.changed = True
        self.intact = -1

    def head(self) -> str:
        """The head in the shim's normal form."""
        return f"{self.method} {self.target} {self.version}{self.text}\r\n"


class Response(Fields):
    """A response."""

    def __init__(self, version: str, status: int, reason: str, fields: str) -> None:
        self.text = fields
        self.version = version
        self.status = status
        self.reason = reason

    @classmethod
    def parse(cls, head: str) -> Response:
        """From the shim's normal form of a head."""
        end = head.find(END)
        version, _, rest = head[:end].partition(" ")
        status, _, reason = rest.partition(" ")
        found = cls(version, int(status), reason, head[end:-2])
        found.intact = len(found.text)
        return found

    def set_status(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason
        self.changed = True
        self.intact = -1

    def head(self) -> str:
        """The head in the shim's normal form."""
        return f"{self.version} {self.status} {self.reason}{self.text}\r\n"
