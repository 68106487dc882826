"""The process, its socket, its users, its logs (LB7xx)."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from lbcore.lint.finding import Hit, Level, Lint, register
from lbcore.lint.subject import Subject
from lbcore.process import PER_CONNECTION, PROCESS_DESCRIPTORS, THREAD_DESCRIPTORS

OTHERS_WRITE = 0o002


def open_socket(subject: Subject) -> Iterator[Hit]:
    for bind in subject.settings.globals.stats_sockets:
        if bind.address.family == socket.AF_UNIX and bind.mode is not None and bind.mode & OTHERS_WRITE:
            yield Hit(bind.where, f"everybody on this machine may give commands to '{bind.address}'", "mode")


def remote_admin(subject: Subject) -> Iterator[Hit]:
    for bind in subject.settings.globals.stats_sockets:
        if bind.address.family in (socket.AF_INET, socket.AF_INET6) and bind.level == "admin":
            yield Hit(bind.where, f"whoever reaches '{bind.address}' is its admin: TCP asks nobody who it is", "admin")


def plain_passwords(subject: Subject) -> Iterator[Hit]:
    for section in subject.sections:
        if section.kind == "userlist":
            for line in section.find("user"):
                if "insecure-password" in line.texts():
                    yield Hit(line, f"the password of '{line.text(1)}' can be read in the file", "insecure-password")


def many_threads(subject: Subject) -> Iterator[Hit]:
    chosen = subject.settings.globals.nbthread
    if chosen is None or chosen <= subject.machine.cpus:
        return
    for section in subject.sections:
        for line in section.find("nbthread"):
            yield Hit(line, f"{chosen} threads on {subject.machine.cpus} CPUs wait for each other", 1)


def descriptors(subject: Subject) -> Iterator[Hit]:
    chosen = subject.settings.globals
    if not chosen.maxconn:
        return
    limit = chosen.ulimit_n or subject.machine.descriptors
    threads = chosen.nbthread or min(subject.machine.cpus, chosen.thread_hard_limit or subject.machine.cpus)
    needed = chosen.maxconn * PER_CONNECTION + PROCESS_DESCRIPTORS + threads * THREAD_DESCRIPTORS
    if needed <= limit:
        return
    for section in subject.sections:
        if section.kind == "global":
            for line in section.find("maxconn"):
                yield Hit(line, f"{chosen.maxconn} connections need {needed} descriptors, and {limit} can be had", 1)


def no_logs(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.has_frontend and proxy.log_kind is not None and not proxy.log_targets:
            where = proxy.places.get("log_kind", section.head.where)
            yield Hit(where, f"'{proxy.name}' has a format for its logs and no 'log' line: nothing is logged")


def no_format(subject: Subject) -> Iterator[Hit]:
    for section, proxy in subject.proxies:
        if proxy.has_frontend and proxy.mode == "http" and proxy.log_targets and proxy.log_kind is None:
            yield Hit(section.head, f"'{proxy.name}' logs that connections came, but no request: no 'option httplog'")


register(
    Lint("LB701", "stats-socket-for-all", Level.ERROR, "Everybody on the machine may write to the stats socket.",
         "Use 'mode 600', or 'mode 660' with a group.", open_socket),
    Lint("LB702", "stats-socket-admin-on-tcp", Level.ERROR, "A stats socket with level admin listens on TCP.",
         "Use a unix socket, or 'level user'.", remote_admin),
    Lint("LB703", "insecure-password", Level.WARNING, "A password stands in the file as it is.",
         "Use 'password' with a hash (mkpasswd -m sha-512).", plain_passwords),
    Lint("LB704", "threads-above-cpus", Level.WARNING, "There are more threads than CPUs.",
         "Leave 'nbthread' out: there is one thread for each CPU then.", many_threads),
    Lint("LB705", "maxconn-above-descriptors", Level.ERROR, "There are fewer descriptors than 'maxconn' needs.",
         "Lower 'maxconn', or raise the limit (LimitNOFILE=, ulimit -n).", descriptors),
    Lint("LB706", "log-format-without-log", Level.WARNING, "Logs have a format and no target.",
         "Add 'log global' (and a 'log' line to 'global'), or a 'log' line.", no_logs),
    Lint("LB707", "log-without-format", Level.NOTE, "Logs of mode http tell nothing about requests.",
         "Add 'option httplog'.", no_format),
)  # fmt: skip
