"""What the packages of words say of their files is what is in these: neither a word too many nor one too few."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

# Each row is put down to the file whose import adds it, also where files import each other.
OWNERS = """
import json, pkgutil, sys
from importlib import import_module
from lbcore.base.registry import Registry

owners, add = {}, Registry.add

def record(self, name, row):
    frame = sys._getframe(1)
    while frame.f_code.co_name != "<module>":
        frame = frame.f_back
    package, _, topic = frame.f_globals["__name__"].rpartition(".")
    owners.setdefault(package, {}).setdefault(topic, set()).add(name)
    add(self, name, row)

Registry.add = record
said = {}
for name in ("lbcore.action", "lbcore.conv", "lbcore.fetch", "lbcore.filter", "lbcore.stream.vocabulary"):
    module = import_module(name)
    package = "lbcore.stream" if name == "lbcore.stream.vocabulary" else name
    said[package] = {topic: sorted(names.split()) for topic, names in module.WORDS.items()}
    files = [file.name for file in pkgutil.iter_modules(import_module(package).__path__)]
    for topic in module.WORDS if package == "lbcore.stream" else files:
        import_module(f"{package}.{topic}")
found = {package: {topic: sorted(names) for topic, names in owners[package].items()} for package in said}
print(json.dumps([said, found]))
"""


@cache
def topics() -> tuple[dict[str, dict[str, list[str]]], dict[str, dict[str, list[str]]]]:
    done = subprocess.run([sys.executable, "-c", OWNERS], check=True, capture_output=True, text=True)
    said, found = json.loads(done.stdout)
    return said, found


@pytest.mark.parametrize("package", ["lbcore.action", "lbcore.conv", "lbcore.fetch", "lbcore.filter", "lbcore.stream"])
def test_each_word_is_announced_for_the_file_that_has_its_row(package: str) -> None:
    said, found = topics()
    assert said[package] == found[package]
