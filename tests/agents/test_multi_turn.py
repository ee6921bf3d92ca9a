"""Games of turns: what a kept cache computes is what a fresh reading would, for every game as if it were alone."""

import itertools

import pytest
import torch

from agents.errors import InvalidCheckpoint
from agents.multi_turn_decoder import MultiTurnDecoder
from agents.multi_turn_policy import MultiTurnPolicy, possible_moves
from agents.prompts import Replies, State, render_play, reply_text
from agents.rollout import NOT_A_MOVE, rollout
from agents.tiny_model import build_model, build_tokenizer
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.generation import MazeSpec, generate
from maze_env.moves import MOVE_TOKENS, Move
from maze_env.solving import path_cells
from maze_env.tokens import maze_to_text
from tests import tiny

MAZES = [*tiny.mazes(3, 2, 2), *tiny.mazes(3, 3, 4), *tiny.mazes(2, 4, 4)]


def embedded(seed=0):
    return build_model(tiny.SMALL, seed).eval(), build_tokenizer()


def stranger(template=tiny.CHAT):
    tokenizer = tiny.byte_tokenizer(template)
    return tiny.byte_model(tokenizer).eval(), tokenizer


def fresh_logits(model, tokenizer, text):
    """The next token's logits after reading ``text`` from the start, alone."""
    with torch.no_grad():
        return model(torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])).logits[0, -1]


@pytest.mark.parametrize("make", [embedded, stranger])
def test_each_game_reads_as_if_it_were_alone(make):
    model, tokenizer = make()
    decoder = MultiTurnDecoder(model, tokenizer)
    texts = [maze_to_text(maze) for maze in MAZES]
    decoder.begin(texts)
    games = list(range(len(MAZES)))
    for turn in range(4):
        for row, game in enumerate(games):
            expected = fresh_logits(model, tokenizer, texts[game])
            assert torch.allclose(decoder.logits[row], expected, atol=1e-4), (turn, game)
        said = [f"{MOVE_TOKENS[(turn + game) % 4]}<|{game % 2}-0|>" * (1 + game % 3) for game in games]
        decoder.read(said)
        for game, text in zip(games, said, strict=True):
            texts[game] += text
        if turn == 1:  # some games end
            games = [game for game in games if game % 3]
            decoder.keep([row for row in range(len(MAZES)) if row % 3])


def played_texts(policy, mazes, **options):
    return [record.texts for record in rollout(policy, mazes, range(len(mazes)), max_steps=6, **options)]


@pytest.mark.parametrize("view_radius", [None, 0])
def test_a_game_does_not_depend_on_its_company(view_radius):
    model, tokenizer = embedded()
    together = played_texts(
        MultiTurnPolicy.of_model(model, tokenizer, restrict="moves"), MAZES, view_radius=view_radius
    )
    for maze, texts in zip(MAZES, together, strict=True):
        alone = MultiTurnPolicy.of_model(model, tokenizer, restrict="moves")
        assert played_texts(alone, [maze], view_radius=view_radius) == [texts]


@pytest.mark.parametrize("make", [embedded, stranger])
def test_moves_are_what_fresh_greedy_decoding_would_write(make):
    """The whole dialogue is written anew each turn and read without a cache."""
    model, tokenizer = make()
    policy = MultiTurnPolicy.of_model(model, tokenizer, restrict="legal")
    (record,) = rollout(policy, [MAZES[3]], [0], max_steps=5)
    cells = path_cells(record.maze.origin, list(record.moves))
    replies = Replies(tokenizer)
    dialogue = render_play(tokenizer, maze_to_text(record.maze), state(record.maze, cells[0])).text
    for number, move in enumerate(record.moves):
        legal = possible_moves(int(record.maze.walls[cells[number]]))
        tokens = {tuple(tokenizer(MOVE_TOKENS[m], add_special_tokens=False)["input_ids"]): m for m in legal}
        written = ()
        while written not in tokens:
            logits = fresh_logits(model, tokenizer, dialogue + tokenizer.decode(list(written)))
            following = {ids[len(written)] for ids in tokens if ids[: len(written)] == written}
            written += (max(following, key=lambda token: float(logits[token])),)
        assert tokens[written] == move
        dialogue += move.token + replies.write(state(record.maze, cells[number + 1], moved=True))


def state(maze, cell, moved=None):
    return State(cell, int(maze.walls[cell]), moved)


def test_restricted_play_makes_moves_and_legal_play_possible_ones():
    model, tokenizer = embedded()
    free = rollout(MultiTurnPolicy.of_model(model, tokenizer), MAZES, range(8), max_steps=8)
    moving = rollout(MultiTurnPolicy.of_model(model, tokenizer, restrict="moves"), MAZES, range(8), max_steps=8)
    legal = rollout(MultiTurnPolicy.of_model(model, tokenizer, restrict="legal"), MAZES, range(8), max_steps=8)
    assert any(record.cause == NOT_A_MOVE for record in free)
    assert all(record.cause != NOT_A_MOVE for record in moving)
    assert any(not record.legal for record in moving)
    assert all(record.legal and record.moves for record in legal)
    assert all(record.tokens == len(record.moves) for record in legal)


def test_sampled_games_repeat_with_their_seeds():
    model, tokenizer = embedded()
    runs = [
        [r.moves for r in rollout(MultiTurnPolicy.of_model(model, tokenizer, 1.0, "moves"), MAZES, seeds, max_steps=8)]
        for seeds in (range(8), range(8), range(8, 16))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_the_reply_says_where_one_stands_and_under_fog_what_came_into_view():
    model, tokenizer = embedded()
    maze = generate(5, MazeSpec(3, 3, split=None))
    policy = MultiTurnPolicy.of_model(model, tokenizer, restrict="legal")
    heard = []
    read = policy.decoder.read
    policy.decoder.read = lambda texts: (heard.extend(texts), read(texts))
    (record,) = rollout(policy, [maze], [0], max_steps=4, view_radius=0)
    cells = path_cells(maze.origin, list(record.moves))[: len(heard) + 1]
    assert heard
    for number, text in enumerate(heard):
        there = cells[number + 1]
        came_into_view = there not in cells[: number + 1]
        assert text == reply_text(state(maze, there), bare=True) * (1 + came_into_view)


def test_in_words_the_reply_is_a_turn_of_the_chat_template():
    _, tokenizer = stranger()
    text = Replies(tokenizer).write(State((1, 2), 3, moved=False, seen=(((0, 2), 15),)))
    told = "A wall is in the way. You are at <|1-2|>, <|up_down_wall|>. You see: <|0-2|><|all_wall|>"
    assert text == f"<im_end>\n<im_start>user\n{told}<im_end>\n<im_start>assistant\n"
    opening = render_play(tokenizer, "M", State((0, 0), 0)).text
    assert opening.endswith("MAZE:\nM\nYou are at <|0-0|>, <|no_wall|>.<im_end>\n<im_start>assistant\n")
    tokenizer.chat_template = None
    assert (
        Replies(tokenizer).write(State((1, 2), 3, moved=True)) == "\nYou moved. You are at <|1-2|>, <|up_down_wall|>.\n"
    )


def test_a_template_without_a_second_turn_is_an_error():
    for template in ("{{ messages[0]['content'] }}", "{{ raise_exception('one turn only') }}"):
        _, tokenizer = stranger(template)
        with pytest.raises(InvalidCheckpoint, match="Expects a chat template that"):
            Replies(tokenizer).write(State((0, 0), 0, moved=True))


def test_a_game_that_outgrows_the_context_is_an_error():
    model, tokenizer = stranger()
    prompt, reply = "x" * 8, "y" * 8
    length = len(tokenizer(prompt + reply, add_special_tokens=False).input_ids)
    model.config.max_position_embeddings = length + 2 * 4
    decoder = MultiTurnDecoder(model, tokenizer, max_turn_tokens=4)
    decoder.begin([prompt])
    decoder.write()
    decoder.read([reply])
    decoder.write()
    with pytest.raises(InvalidConfig, match=f"max_turn_tokens=4 .* {length + 8} tokens, actual: a game of"):
        decoder.read([reply])


def test_wrong_values_are_refused(tmp_path):
    model, tokenizer = embedded()
    with pytest.raises(UnknownName, match=r"Expects a restriction out of .*'legal'.*Did you mean 'legal'\?"):
        MultiTurnPolicy.of_model(model, tokenizer, restrict="leagl")
    folder = tiny.save(tmp_path, model, tokenizer)
    for wrong in ({"temperature": -1}, {"max_turn_tokens": 0}, {"batch_size": 0}):
        with pytest.raises(InvalidConfig, match="Expects temperature >= 0"):
            MultiTurnPolicy(folder, **wrong)
    (record,) = rollout(MultiTurnPolicy(folder, restrict="legal"), [MAZES[0]], [0], max_steps=3)
    assert record.moves


def test_possible_moves_of_every_wall_byte():
    for bits, move in itertools.product(range(16), Move):
        assert (move in possible_moves(bits)) == (not bits >> move & 1)
