"""The speed of multi-turn play is measured on games that are the same both ways."""

import json

import pytest

from maze_env.errors import InvalidConfig
from maze_env.moves import Move
from tests import tiny
from tokenmaze.agents.tiny_model import build_model, build_tokenizer
from tokenmaze.benchmarks import multi_turn_speed


def test_both_ways_play_the_same_games_and_the_figures_are_stored(tmp_path, capsys):
    folder = tiny.save(tmp_path / "model", build_model(tiny.SMALL, 0), build_tokenizer())
    output = tmp_path / "speed.json"
    multi_turn_speed.main(["--model", folder, "--games", "6", "--turns", "4", "--rounds", "2", "--output", str(output)])
    stored = json.loads(output.read_text())
    assert len(stored["rounds"]["kept"]) == len(stored["rounds"]["fresh"]) == 2
    ratios = [kept / fresh for kept, fresh in zip(*stored["rounds"].values(), strict=True)]
    assert stored["ratio"]["min"] == min(ratios)
    assert f"{stored['ratio']['median']:.1f} times" in capsys.readouterr().out
    mazes = tiny.mazes(6, 5, 5, min_length=10)
    model, tokenizer = build_model(tiny.SMALL, 0).eval(), build_tokenizer()
    moves = [multi_turn_speed.play(model, tokenizer, mazes, 4, cached)[1] for cached in (True, False)]
    assert moves[0] == moves[1]
    assert [len(game) for game in moves[0]] == [4] * 6


def test_games_that_differ_are_no_measurement(monkeypatch):
    played = iter([(1.0, [(Move.UP,)] * 4), (1.0, [(Move.DOWN,)] * 4)])
    monkeypatch.setattr(multi_turn_speed, "play", lambda *arguments, **options: next(played))
    with pytest.raises(multi_turn_speed.DifferentMoves, match=r"actual: in 0\.0% of the games"):
        multi_turn_speed.measure(None, build_tokenizer(), 4, 1, 1)


def test_a_model_without_move_tokens_and_impossible_numbers_are_refused():
    tokenizer = tiny.byte_tokenizer()
    with pytest.raises(InvalidConfig, match="one token for each move"):
        multi_turn_speed.measure(tiny.byte_model(tokenizer), tokenizer, 4, 1, 1)
    with pytest.raises(InvalidConfig, match="at least 1"):
        multi_turn_speed.main(["--games", "0"])
