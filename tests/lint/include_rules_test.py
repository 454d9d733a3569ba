"""The include rules must refuse what ARCHITECTURE.md forbids, and say where."""

import pathlib

import include_rules

HERE = pathlib.Path(__file__).resolve().parent


def check(root, files):
    """Violations of a tree made of `files`, a dictionary of path to text."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return include_rules.check(root)


def test_a_violation_tells_file_line_and_rule(tmp_path):
    found = check(tmp_path, {"service/domain/message.h": "#pragma once\n\n#include <grpcpp/grpcpp.h>\n"})
    assert found == [
        ("service/domain/message.h", 3, "service/domain must not include grpc (grpcpp/grpcpp.h)")]


def test_the_domain_knows_no_sibling(tmp_path):
    found = check(tmp_path, {
        "service/feed/hub.h": "",
        "service/domain/run.cc": '#include "service/feed/hub.h"\n',
    })
    assert found == [("service/domain/run.cc", 1, "service/domain must not include service/feed/hub.h")]


def test_an_own_header_is_found_by_a_short_path_too(tmp_path):
    found = check(tmp_path, {
        "service/postgres/pool.h": "",
        "service/rpc/handler.cc": '#include "postgres/pool.h"\n',
        "client/src/retry.h": "",
        "client/cli/main.cc": '#include "../src/retry.h"\n#include "retry.h"\n',
    })
    assert [(name, line) for name, line, _ in found] == [
        ("client/cli/main.cc", 1), ("client/cli/main.cc", 2), ("service/rpc/handler.cc", 1)]


def test_pqxx_stays_in_its_folder(tmp_path):
    text = "#include <pqxx/pqxx>\n"
    found = check(tmp_path, {"service/postgres/a.cc": text, "service/rpc/b.cc": text, "service/commit/c.cc": text})
    assert [name for name, _, _ in found] == ["service/commit/c.cc", "service/rpc/b.cc"]


def test_only_the_adapter_of_the_client_knows_grpc(tmp_path):
    text = '#include <grpcpp/channel.h>\n#include "signalbox/v1/message.pb.h"\n'
    found = check(tmp_path, {"client/src/grpc_stub.cc": text, "client/src/sync_loop.cc": text})
    assert [(name, line) for name, line, _ in found] == [
        ("client/src/sync_loop.cc", 1), ("client/src/sync_loop.cc", 2)]


def test_public_headers_know_only_absl(tmp_path):
    found = check(tmp_path, {
        "client/include/signalbox/message.h": '#include <vector>\n#include "absl/time/time.h"\n',
        "client/include/signalbox/inbox.h": '#include "signalbox/message.h"\n#include <google/protobuf/struct.pb.h>\n',
    })
    assert [(name, line) for name, line, _ in found] == [("client/include/signalbox/inbox.h", 2)]


def test_the_python_binding_is_a_user_of_the_library(tmp_path):
    text = "#include <pybind11/pybind11.h>\n"
    found = check(tmp_path, {
        "client/src/retry.h": text,
        "client/cli/program.h": "",
        "client/python/src/a.cc": text + '#include "cli/program.h"\n',
        "client/python/src/b.cc": '#include "../../src/retry.h"\n#include <grpcpp/channel.h>\n',
    })
    assert [(name, line) for name, line, _ in found] == [
        ("client/python/src/b.cc", 1), ("client/python/src/b.cc", 2), ("client/src/retry.h", 1)]


def test_what_is_allowed_passes(tmp_path):
    assert check(tmp_path, {
        "service/domain/message.h": "#include <sys/types.h>\n#include <cstdint>\n",
        "service/commit/writer.h": '#include "absl/status/status.h"\n#include "service/domain/message.h"\n',
        "service/main.cc": '#include "service/commit/writer.h"\n#include <unistd.h>\n',
    }) == []


def test_a_new_folder_and_a_new_library_need_a_decision(tmp_path):
    found = check(tmp_path, {
        "service/cache/cache.h": "#include <vector>\n",
        "service/feed/hub.h": "#include <boost/asio/ip/tcp.hpp>\n",
    })
    assert [(name, line) for name, line, _ in found] == [("service/cache/cache.h", 1), ("service/feed/hub.h", 1)]


def test_the_status_tells_whether_there_are_violations(tmp_path, capsys):
    (tmp_path / "service/domain").mkdir(parents=True)
    bad = tmp_path / "service/domain/a.h"
    bad.write_text("#include <pqxx/pqxx>\n")
    assert include_rules.main(["include_rules.py", str(tmp_path)]) == 1
    assert "service/domain/a.h:1: service/domain must not include pqxx" in capsys.readouterr().out
    bad.write_text("#include <string>\n")
    assert include_rules.main(["include_rules.py", str(tmp_path)]) == 0
