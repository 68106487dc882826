"""Set-up of lbcore: one compiled module, built by cffi from native/."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
VERSION = re.compile(r'^__version__ = "([0-9][^"]*)"$', re.MULTILINE)


def version() -> str:
    """The version as lbcore/version.py states it, read as text: lbcore's own imports are no business of the set-up."""
    found = VERSION.search((HERE / "lbcore" / "version.py").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("lbcore/version.py states no __version__")
    return found[1]


class Sdist(sdist):
    """A source distribution from which all can be built and tested, as from the repository."""

    WHOLE = ("native/**/*.[ch]", "native/*.py", "tests/**/*", "examples/*", ".*", ".ci/run", "tox.ini", "CHANGELOG.md")

    def make_distribution(self) -> None:
        found = (path.relative_to(HERE) for pattern in self.WHOLE for path in HERE.glob(pattern) if path.is_file())
        self.filelist.extend(str(path) for path in found if path.suffix not in (".pyc", ".so", ".o"))
        self.filelist.remove_duplicates()
        super().make_distribution()


setup(
    name="lbcore",
    version=version(),
    description="A multithreaded TCP/HTTP load balancer: HAProxy's language, decided in Python, moved in C",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="the lbcore authors",
    license="MIT",
    license_files=["LICENSE"],
    packages=find_packages(include=["lbcore", "lbcore.*"]),
    package_data={"lbcore": ["py.typed", "*.pyi"], "lbcore.stats": ["web/*"]},
    python_requires=">=3.11",
    setup_requires=["cffi>=1.16"],
    install_requires=["cffi>=1.16", "pyOpenSSL>=24"],
    extras_require={"re2": ["google-re2"]},
    cmdclass={"sdist": Sdist},
    cffi_modules=["native/build.py:ffibuilder"],
    entry_points={"console_scripts": ["lbcore = lbcore.__main__:main"]},
    zip_safe=False,
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Environment :: No Input/Output (Daemon)",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "License :: OSI Approved :: MIT License",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: C",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: Free Threading :: 2 - Beta",
        "Programming Language :: Python :: Implementation :: CPython",
        "Topic :: Internet :: WWW/HTTP",
        "Topic :: Internet :: Proxy Servers",
        "Topic :: System :: Networking",
        "Typing :: Typed",
    ],
)
