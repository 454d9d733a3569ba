#!/usr/bin/env python3
"""Checks who may include whom.

Debian installs every library into one folder that all targets see, so the
build cannot refuse an include that the architecture forbids. This can.

Usage: include_rules.py [ROOT]

Prints one line a violation, `file:line: rule`, and ends with status 1 if there
is any. RULES is the whole policy; ARCHITECTURE.md explains it.
"""

import pathlib
import re
import sys
from dataclasses import dataclass

# Libraries, told by how their headers are named. The first match counts.
LIBRARIES = (
    ("proto", re.compile(r"^(google/protobuf/|signalbox/v1/)|\.pb\.h$")),
    ("grpc", re.compile(r"^grpc(pp)?/")),
    ("pqxx", re.compile(r"^(pqxx/|libpq-fe\.h|postgresql/|internal/libpq)")),
    ("prometheus", re.compile(r"^prometheus/")),
    ("openssl", re.compile(r"^openssl/")),
    ("json", re.compile(r"^nlohmann/")),
    ("cli11", re.compile(r"^CLI/")),
    ("gtest", re.compile(r"^g(test|mock)/")),
    ("absl", re.compile(r"^absl/")),
    ("pybind11", re.compile(r"^pybind11/")),
    # The C++ library and the system's own headers.
    ("std", re.compile(r"^([a-z0-9_]+|[a-z0-9_]+\.h|(sys|netinet|arpa|net|linux)/[a-z0-9_]+\.h)$")),
)


@dataclass(frozen=True)
class Rule:
    """What the files below `where` may include; the longest `where` holds."""

    where: str
    may: frozenset


def rule(where, *may):
    return Rule(where, frozenset(may))


# Every folder may include itself and the standard library.
RULES = (
    # The domain is plain values and ports: it knows no transport and no database.
    rule("service/domain", "absl"),
    rule("service/telemetry", "absl", "json", "service/domain"),
    # The only file that knows the library for Prometheus.
    rule("service/telemetry/metrics_exposer", "absl", "prometheus", "service/telemetry"),
    rule("service/config", "absl", "cli11", "service/domain", "service/telemetry"),
    # Decisions and threads, tested with fakes of the ports.
    rule("service/commit", "absl", "service/domain", "service/telemetry"),
    rule("service/feed", "absl", "service/domain", "service/telemetry"),
    rule("service/read", "absl", "service/domain"),
    # The only place that knows Postgres, and the only one that catches its exceptions.
    rule("service/postgres", "absl", "pqxx", "json", "service/domain", "service/telemetry"),
    # The only place of the server that knows gRPC and the generated code.
    rule("service/rpc", "absl", "grpc", "proto", "openssl", "service/domain", "service/commit", "service/feed",
         "service/read", "service/telemetry"),
    # The files right in the folder put the parts together.
    rule("service/", "absl", "service"),
    # What users of the library compile against.
    rule("client/include", "absl"),
    rule("client/src", "absl", "client/include"),
    rule("client/src/grpc_", "absl", "grpc", "proto", "client/include", "client/src"),
    rule("client/testing", "absl", "client/include"),
    # Programs use the library as its users do.
    rule("client/cli", "absl", "json", "cli11", "client/include"),
    rule("client/examples", "absl", "client/include"),
    # The command line comes along with the Python package.
    rule("client/python", "absl", "pybind11", "client/include", "client/cli"),
)

# Where an include path may start; in this order.
SEARCH_PATH = ("", "service", "client", "client/include", "client/src", "client/testing/include")
CHECKED_FOLDERS = ("client", "service")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"(?P<quoted>[^"]+)"|<(?P<angled>[^>]+)>)')


def files_of(root):
    for folder in CHECKED_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                yield path.relative_to(root).as_posix()


def rule_for(name):
    """The rule with the longest `where` that `name` starts with, or None."""
    matching = [r for r in RULES if is_below(name, r.where)]
    return max(matching, key=lambda r: len(r.where), default=None)


def is_below(name, where):
    """`where` is a folder or the stem of a file; with a `/` at its end, the files right in a folder;
    with a `_`, the files whose names begin so."""
    if where.endswith("/"):
        return name.startswith(where) and "/" not in name[len(where):]
    if where.endswith("_"):
        return name.startswith(where)
    return name.startswith((where + "/", where + "."))


def own_file(root, includer, header):
    """The file of this repository that `header` names, or None."""
    candidates = [pathlib.PurePosixPath(includer).parent / header]
    candidates += [pathlib.PurePosixPath(folder) / header for folder in SEARCH_PATH]
    for candidate in candidates:
        if (root / candidate).is_file():
            return (root / candidate).resolve().relative_to(root.resolve()).as_posix()
    return None


def library_of(header):
    return next((name for name, pattern in LIBRARIES if pattern.search(header)), None)


def violation(root, includer, header):
    """Why `includer` must not include `header`, or None."""
    allowed = rule_for(includer)
    if allowed is None:
        return f"no rule covers {includer}; add one to RULES in tests/lint/include_rules.py"
    target = own_file(root, includer, header)
    if target is None:
        library = library_of(header)
        if library is None:
            return f"{header} belongs to no known library; add it to LIBRARIES"
        if library == "std" or library in allowed.may:
            return None
        return f"{allowed.where} must not include {library} ({header})"
    reachable = {allowed.where} | {m for m in allowed.may if "/" in m or m == "service"}
    if any(is_below(target, folder) for folder in reachable):
        return None
    return f"{allowed.where} must not include {target}"


def check(root):
    """All violations below `root`, as (file, line, text)."""
    found = []
    for name in files_of(root):
        with open(root / name, encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                match = INCLUDE.match(line)
                if not match:
                    continue
                text = violation(root, name, match["quoted"] or match["angled"])
                if text:
                    found.append((name, number, text))
    return found


def main(argv):
    root = pathlib.Path(argv[1] if len(argv) > 1 else ".")
    found = check(root)
    for name, number, text in found:
        print(f"{name}:{number}: {text}")
    print(f"include rules: {len(list(files_of(root)))} files, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
