"""The campaign adds up, goes on where it stopped, and fails on a difference."""

import json
import re
from pathlib import Path

import pytest
import soak

ROOT = Path(__file__).parents[1]


def test_it_is_documented():
    """CONTRIBUTING.md names the target among the longer ones, and git ignores its folder."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    longer = re.search(r"Longer, and not in the gate:.*?\n\n", text, flags=re.DOTALL)[0]
    assert "`make soak`" in longer
    assert ".soak/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_it_adds_up(tmp_path, monkeypatch, capsys):
    """Two runs of one chunk each take different seeds, and their counts are added."""
    monkeypatch.setattr(soak, "CHUNK", 4)
    for runs in (1, 2):
        assert soak.main(["--streams", "4", "--processes", "1", "--folder", str(tmp_path)]) == 0
        progress = json.loads((tmp_path / "progress.json").read_text(encoding="utf-8"))
        assert progress["streams"] == 4 * runs == sum(progress["kinds"].values())
        assert progress["next"] == soak.FIRST + 4 * runs
        assert progress["code"] == {soak.fingerprint(): 4 * runs}
    assert "8 streams, 0 differences" in capsys.readouterr().out


def test_a_difference_stays_until_it_is_gone(tmp_path, monkeypatch, capsys):
    """A seed that differs is told again by the next run, and forgotten when it is right."""
    wrong = {"next": soak.FIRST, "streams": 0, "wrong": [7]}
    soak.save(tmp_path, soak.FRESH | wrong)
    (tmp_path / "differences.txt").write_text("seed 7\n", encoding="utf-8")
    words = ["--minutes", "0.000001", "--folder", str(tmp_path)]
    monkeypatch.setattr(soak.brute, "check", lambda _: "differs")
    assert soak.main(words) == 1
    assert "seed 7" in capsys.readouterr().out
    monkeypatch.setattr(soak.brute, "check", lambda _: None)
    assert soak.main(words) == 0
    assert not (tmp_path / "differences.txt").exists()


@pytest.mark.parametrize("words", [["--streams", "x"], ["--hours", "1"]])
def test_wrong_words(words, capsys):
    """Words that it does not know are refused."""
    with pytest.raises(SystemExit):
        soak.main(words)
    assert "usage" in capsys.readouterr().err
