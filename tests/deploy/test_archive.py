"""The archive of a code package, and what of it is kept on the machine."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from metaflow_extensions.dagster.deploy import archive
from metaflow_extensions.dagster.deploy.archive import pack


@pytest.fixture
def library(tmp_path, monkeypatch) -> list[archive.File]:
    monkeypatch.setenv("METAFLOW_DAGSTER_CACHE", str(tmp_path / "cache"))
    files = [tmp_path / "one.py", tmp_path / "two.py"]
    for file in files:
        file.write_text(f"NAME = '{file.stem}'\n" * 100)
    return [(str(file), f"metaflow/{file.name}") for file in files]


OTHERS: list[archive.Entry] = [(b'{"user": "ada"}', "INFO"), (b"", "empty.py")]


def content(blob: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(blob), mode="r:gz") as opened:
        files = {member.name: opened.extractfile(member) for member in opened.getmembers()}
        return {name: file.read() for name, file in files.items() if file is not None}


def kept(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "archives").iterdir())


def test_python_and_tar_unpack_it_the_same(library, tmp_path):
    blob = pack(library, OTHERS)
    expected = {name: Path(path).read_bytes() for path, name in library} | {
        name: data for data, name in OTHERS
    }
    assert content(blob) == expected
    (tmp_path / "job.tar").write_bytes(blob)
    folder = tmp_path / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "-xzf", tmp_path / "job.tar", "-C", folder], check=True)
    for name, data in expected.items():
        assert (folder / name).read_bytes() == data


def test_the_same_files_give_the_same_bytes_with_and_without_the_cache(library, tmp_path):
    first = pack(library, OTHERS)
    (blob,) = kept(tmp_path)
    assert pack(library, OTHERS) == first
    blob.unlink()
    assert pack(library, OTHERS) == first


def test_what_is_kept_is_used(library, tmp_path, monkeypatch):
    first = pack(library, OTHERS)
    monkeypatch.setattr(archive.tarfile.TarFile, "gettarinfo", None)  # no file is read again
    assert pack(library, OTHERS) == first
    assert content(pack(library, [(b"edited", "flow.py")]))["flow.py"] == b"edited"


def test_a_file_that_changes_is_seen_though_its_size_and_time_stay(library, tmp_path):
    pack(library, OTHERS)
    path = Path(library[0][0])
    before = path.stat()
    path.write_text(path.read_text().replace("one", "1ne"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert b"1ne" in content(pack(library, OTHERS))["metaflow/one.py"]


def test_only_the_latest_are_kept(library, tmp_path):
    for number in range(archive._KEPT + 3):
        Path(library[0][0]).write_text(f"NUMBER = {number}\n")
        pack(library, OTHERS)
    assert len(kept(tmp_path)) == archive._KEPT


def test_without_a_cache_it_works_as_well(library, tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    assert content(pack(library, OTHERS))["INFO"] == OTHERS[0][0]
