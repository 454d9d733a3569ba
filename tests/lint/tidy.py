#!/usr/bin/env python3
"""Runs clang-tidy over the sources of client, service and tests, several at a time.

Usage: tidy.py [--jobs N] BUILD_FOLDER [FILE...]

Takes the commands of the build (they may be gcc's) and remembers which files
were clean, so that only what changed is looked at again: a file, what it
includes, its command, .clang-tidy, or clang-tidy itself. Ends with status 1
when anything was found.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLANG_TIDY = ROOT / "build/tools/bin/clang-tidy"  # from tests/setup
OWN_FOLDERS = ("client", "service", "tests")
# Debian's gcc and clang share one C++ library; warnings that only gcc knows are not clang's business.
# The thread annotations of absl are only understood by clang, so this is where they are checked.
# Designated initializers are there to leave fields at their default.
EXTRA = [f"--extra-arg={flag}" for flag in (
    "-Wno-unknown-warning-option", "-Wno-missing-designated-field-initializers", "-Wno-overloaded-virtual",
    "-Wthread-safety")]


def is_own(path):
    try:
        return pathlib.Path(path).resolve().relative_to(ROOT).parts[0] in OWN_FOLDERS
    except ValueError:
        return False


def own_commands(build):
    """The build's commands for our own sources: source -> (object, command)."""
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    return {entry["file"]: (object_of(entry["command"]), entry["command"])
            for entry in entries if is_own(entry["file"])}


def object_of(command):
    words = shlex.split(command)
    return words[words.index("-o") + 1]


def dependencies(build):
    """What each object was made of, as ninja recorded it: object -> files."""
    listing = subprocess.run(["ninja", "-C", str(build), "-t", "deps"],
                             check=True, capture_output=True, text=True).stdout
    found, current = {}, None
    for line in listing.splitlines():
        if line.startswith("    "):
            found[current].append(line.strip())
        elif ": #deps" in line:
            current = line.split(": #deps")[0]
            found[current] = []
    return found


class Fingerprints:
    """Hashes of files, each read once."""

    def __init__(self, build):
        self._build = build
        self._known = {}
        version = subprocess.run([CLANG_TIDY, "--version"], check=True, capture_output=True).stdout
        self._common = version + (ROOT / ".clang-tidy").read_bytes() + repr(EXTRA).encode()

    def of(self, command, files):
        """The fingerprint of one check; None when it is not known what the file includes."""
        if not files:
            return None
        digest = hashlib.sha256(self._common + command.encode())
        for name in files:
            digest.update(name.encode() + self._file(name))
        return digest.hexdigest()

    def _file(self, name):
        if name not in self._known:
            try:
                content = (self._build / name).read_bytes()
            except FileNotFoundError:
                content = b"absent"
            self._known[name] = hashlib.sha256(content).digest()
        return self._known[name]


def tidy(build, source):
    """Checks one source: (clean, what clang-tidy said)."""
    ran = subprocess.run([CLANG_TIDY, "--quiet", "-p", str(build), *EXTRA, source],
                         capture_output=True, text=True, check=False)
    said = ran.stdout if ran.stdout.strip() else ran.stderr
    return ran.returncode == 0, said


def main():
    parser = argparse.ArgumentParser(description="clang-tidy over our own sources")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("files", nargs="*", help="only sources whose path holds one of these")
    options = parser.parse_args()

    build = options.build.resolve()
    commands = own_commands(build)
    if options.files:
        commands = {s: c for s, c in commands.items() if any(part in s for part in options.files)}
    if not commands:
        sys.exit("tidy: no sources")
    made_of, prints = dependencies(build), Fingerprints(build)
    clean_marks = build / "tidy"
    clean_marks.mkdir(exist_ok=True)

    def check(source):
        made, command = commands[source]
        mark = prints.of(command, made_of.get(made))
        if mark and (clean_marks / mark).exists():
            return source, True, ""
        clean, said = tidy(build, source)
        if clean and mark:
            (clean_marks / mark).touch()
        return source, clean, said

    dirty = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for source, clean, said in pool.map(check, sorted(commands)):
            if not clean:
                dirty += 1
                print(f"--- {source}\n{said}", flush=True)
    print(f"clang-tidy: {len(commands)} sources, {dirty} with findings")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
