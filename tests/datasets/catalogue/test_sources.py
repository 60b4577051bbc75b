"""Public files: from a folder, from a real server on this machine, and every way it can go wrong."""

import dataclasses
import gc
import gzip
import hashlib
import http.server
import re
import socket
import threading
import warnings

import numpy as np
import pooch
import pytest

from simpeg_jointdl import datasets
from simpeg_jointdl.datasets.catalogue import _sources

CONTENT = b"a small file"
FILE = _sources.PublicFile("folder/file.nc", "http://127.0.0.1:1/file.nc", hashlib.sha256(CONTENT).hexdigest())


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        content = self.server.content.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    with http.server.HTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.asked, server.content = [], {"/file.nc": CONTENT}
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def online(monkeypatch, tmp_path):
    """No data folder, an empty cache, no proxy in the way; returns how to set the one file."""
    monkeypatch.delenv("SIMPEG_JOINTDL_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return lambda **changes: monkeypatch.setitem(_sources.REGISTRY, "file", dataclasses.replace(FILE, **changes))


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setitem(_sources.REGISTRY, "file", FILE)
    monkeypatch.setenv("SIMPEG_JOINTDL_DATA", str(tmp_path))
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def test_registry_is_pinned():
    for file in _sources.REGISTRY.values():
        assert re.match(r"https://raw\.githubusercontent\.com/[\w-]+/[\w.-]+/[0-9a-f]{40}/", file.url)
        assert file.url.rsplit("/", 1)[1] == file.path.rsplit("/", 1)[1]
        assert len(bytes.fromhex(file.sha256)) == 32


def test_registry_agrees_with_the_manifest(field_data):
    lines = (field_data / "MANIFEST.sha256").read_text().splitlines()
    manifest = {path: sha256 for sha256, path in (line.split() for line in lines)}
    for file in _sources.REGISTRY.values():
        compressed = field_data / (file.path + ".gz")
        if compressed.is_file():
            assert hashlib.sha256(gzip.decompress(compressed.read_bytes())).hexdigest() == file.sha256
        else:
            assert manifest["./" + file.path] == file.sha256


def test_unknown_file():
    with pytest.raises(ValueError, match=r"fetch: got name='nope', wanted one of \[.*'qld_west_gravity'"):
        _sources.fetch("nope")


def test_folder(folder):
    (folder / "file.nc").write_bytes(CONTENT)
    assert _sources.fetch("file") == folder / "file.nc"


def test_folder_with_a_compressed_copy(folder):
    (folder / "file.nc.gz").write_bytes(gzip.compress(CONTENT))
    assert _sources.fetch("file") == folder / "file.nc.gz"
    (folder / "file.nc.gz").write_bytes(CONTENT[:5])
    with pytest.raises(ValueError, match="wrong checksum"):
        _sources.fetch("file")
    (folder / "file.nc").write_bytes(CONTENT)
    assert _sources.fetch("file") == folder / "file.nc"


def test_folder_without_the_file_names_both_ways(folder):
    with pytest.raises(FileNotFoundError) as caught:
        _sources.fetch("file")
    for words in ("SIMPEG_JOINTDL_DATA", str(folder / "file.nc"), FILE.url, "unset"):
        assert words in str(caught.value)


def test_folder_with_another_file(folder):
    (folder / "file.nc").write_bytes(b"something else")
    with pytest.raises(ValueError, match=f"wrong checksum: .*file.nc has sha256 .* wanted {FILE.sha256}"):
        _sources.fetch("file")


def test_download_happens_once(online, server, tmp_path):
    online(url=f"{server.url}/file.nc")
    for _ in range(2):
        path = _sources.fetch("file")
        assert path.read_bytes() == CONTENT
    assert path == tmp_path / "cache" / "simpeg_jointdl" / "file.nc"
    assert server.asked == ["/file.nc"]


def test_empty_variable_means_unset(online, server, monkeypatch):
    online(url=f"{server.url}/file.nc")
    monkeypatch.setenv("SIMPEG_JOINTDL_DATA", "")
    assert _sources.fetch("file").read_bytes() == CONTENT


def test_download_of_another_file(online, server, tmp_path):
    online(url=f"{server.url}/file.nc", sha256="0" * 64)
    with pytest.raises(ValueError, match=f"wrong checksum: the download of {server.url}/file.nc .*SIMPEG_JOINTDL_DATA"):
        _sources.fetch("file")
    assert not (tmp_path / "cache" / "simpeg_jointdl" / "file.nc").exists()


def test_spoilt_cache_is_mended(online, server, tmp_path):
    online(url=f"{server.url}/file.nc")
    _sources.fetch("file").write_bytes(b"half a fi")
    assert _sources.fetch("file").read_bytes() == CONTENT


def _assert_names_both_ways(url):
    with pytest.raises(FileNotFoundError) as caught:
        _sources.fetch("file")
    for words in ("SIMPEG_JOINTDL_DATA", FILE.path, url, "failed"):
        assert words in str(caught.value)


def test_file_gone_from_the_server(online, server):
    online(url=f"{server.url}/gone.nc")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # pooch leaves the refused answer's socket open
        _assert_names_both_ways(f"{server.url}/gone.nc")
        gc.collect()


def test_connection_refused(online):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.nc"
    online(url=url)
    _assert_names_both_ways(url)


def test_cache_that_cannot_be_written(online, server, tmp_path):
    online(url=f"{server.url}/file.nc")
    (tmp_path / "cache").write_text("a file where the folder should be")
    _assert_names_both_ways(f"{server.url}/file.nc")


def test_downloaded_dataset_is_the_local_one(field_data, online, server, monkeypatch):
    for name in ("qld_west_gravity", "qld_west_magnetics"):
        file = _sources.REGISTRY[name]
        server.content["/" + file.path] = (field_data / file.path).read_bytes()
        monkeypatch.setitem(_sources.REGISTRY, name, dataclasses.replace(file, url=f"{server.url}/{file.path}"))
    downloaded = datasets.load("ernest_henry")
    assert len(server.asked) == 2
    monkeypatch.setenv("SIMPEG_JOINTDL_DATA", str(field_data))
    local = datasets.load("ernest_henry")
    np.testing.assert_array_equal(downloaded.gravity.gz, local.gravity.gz)
    np.testing.assert_array_equal(downloaded.magnetics.tmi, local.magnetics.tmi)
