"""Multi-turn dialogues: a kept cache computes what a fresh reading would, for each dialogue as if it were alone."""

import itertools

import pytest
import torch

from maze_env.attempt import End, EndedBy, Reply
from maze_env.episode import Episode, Observation
from maze_env.errors import InvalidConfig, UnknownName
from maze_env.generation import MazeSpec, generate
from maze_env.moves import MOVE_TOKENS, Move, possible_moves
from maze_env.solving import path_cells
from maze_env.tokens import maze_to_text
from tests import tiny
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.multi_turn_decoder import MultiTurnDecoder
from tokenmaze.agents.multi_turn_policy import MultiTurnPolicy, Transcript
from tokenmaze.agents.prompts import Replies, render_play, reply_text
from tokenmaze.agents.rollout import rollout
from tokenmaze.agents.tiny_model import build_model, build_tokenizer

MAZES = [*tiny.mazes(3, 2, 2), *tiny.mazes(3, 3, 4), *tiny.mazes(2, 4, 4)]


def bare(seed=0):
    """The model and tokenizer of the maze vocabulary."""
    return build_model(tiny.SMALL, seed).eval(), build_tokenizer()


def pretrained(template=tiny.CHAT):
    """A model whose tokenizer reads any text, and has a chat template."""
    tokenizer = tiny.byte_tokenizer(template)
    return tiny.byte_model(tokenizer).eval(), tokenizer


def ids_of(tokenizer, texts):
    return tokenizer(texts, add_special_tokens=False)["input_ids"]


def fresh_logits(model, tokenizer, text):
    """The next token's logits after reading ``text`` from the start, alone."""
    with torch.no_grad():
        return model(torch.tensor(ids_of(tokenizer, [text]))).logits[0, -1]


def observed(maze, cell, moved=None):
    """What an agent at ``cell`` observes without partial observability."""
    return Observation(maze.walls, cell, maze.target, moved=moved)


@pytest.mark.parametrize("make", [bare, pretrained])
def test_each_dialogue_reads_as_if_it_were_alone(make):
    model, tokenizer = make()
    decoder = MultiTurnDecoder(model, tokenizer)
    texts = [maze_to_text(maze) for maze in MAZES]
    decoder.prefill(ids_of(tokenizer, texts))
    dialogues = list(range(len(MAZES)))
    for turn in range(4):
        for row, dialogue in enumerate(dialogues):
            expected = fresh_logits(model, tokenizer, texts[dialogue])
            assert torch.allclose(decoder.logits[row], expected, atol=1e-4), (turn, dialogue)
        read = [f"{MOVE_TOKENS[(turn + number) % 4]}<|{number % 2}-0|>" * (1 + number % 3) for number in dialogues]
        decoder.append(ids_of(tokenizer, read))
        for dialogue, text in zip(dialogues, read, strict=True):
            texts[dialogue] += text
        if turn == 1:  # some end
            dialogues = [dialogue for dialogue in dialogues if dialogue % 3]
            decoder.select([row for row in range(len(MAZES)) if row % 3])


def played_texts(policy, mazes, **options):
    return [attempt.texts for attempt in rollout(policy, mazes, range(len(mazes)), max_steps=6, **options)]


@pytest.mark.parametrize("view_radius", [None, 0])
def test_a_dialogue_does_not_depend_on_the_others(view_radius):
    model, tokenizer = bare()
    together = played_texts(MultiTurnPolicy(model, tokenizer, restrict="moves"), MAZES, view_radius=view_radius)
    for maze, texts in zip(MAZES, together, strict=True):
        alone = MultiTurnPolicy(model, tokenizer, restrict="moves")
        assert played_texts(alone, [maze], view_radius=view_radius) == [texts]


class TextAlone(MultiTurnPolicy):
    """Reads each observation from its text, as an agent outside of this project's loop does."""

    def respond(self, observations):
        return self.act(["" if one is None else one.text for one in observations])

    def act(self, observations):
        self.respond = super().respond  # what ``act`` goes on with
        try:
            return super().act(observations)
        finally:
            del self.respond


@pytest.mark.parametrize("make", [bare, pretrained])
@pytest.mark.parametrize("view_radius", [None, 0, 1])
def test_a_dialogue_in_text_is_the_one_that_is_not_written_out(make, view_radius):
    model, tokenizer = make()
    runs = []
    for kind in (MultiTurnPolicy, TextAlone):
        policy = kind(model, tokenizer, temperature=1.0, restrict="legal")
        attempts = rollout(policy, MAZES, range(8), max_steps=12, view_radius=view_radius)
        runs.append((attempts, policy.prompts, policy.transcripts))
    assert runs[0] == runs[1]
    attempts, prompts, transcripts = runs[0]
    assert len({len(attempt.moves) for attempt in attempts}) > 1  # some end before others
    assert sorted(prompts) == sorted(transcripts) == list(range(8))


def test_a_transcript_is_what_was_written_and_read_in_order():
    model, tokenizer = pretrained()
    policy = MultiTurnPolicy(model, tokenizer, temperature=1.0, restrict="moves")
    (attempt,) = rollout(policy, [MAZES[3]], [0], max_steps=3, view_radius=0)
    episode, written = Episode(MAZES[3], view_radius=0), ""
    (prompt,) = ids_of(tokenizer, [render_play(tokenizer, episode.observation).text])
    for number, move in enumerate(attempt.moves):
        episode.move(move)
        last = number == len(attempt.moves) - 1
        written += move.token + ("" if last else Replies(tokenizer).write(episode.observation))
    transcript = policy.transcripts[0]
    assert policy.prompts == {0: prompt}
    assert tokenizer.decode(transcript.ids) == written
    own = [token for token, mine in zip(transcript.ids, transcript.own, strict=True) if mine]
    assert tokenizer.decode(own) == "".join(attempt.texts)
    assert len(own) == attempt.tokens
    read = [log_prob for log_prob, mine in zip(transcript.log_probs, transcript.own, strict=True) if not mine]
    assert set(read) == {0.0}
    assert any(log_prob < 0 for log_prob in transcript.log_probs)


def test_a_transcript_tells_apart_what_was_written():
    transcript = Transcript()
    transcript.add([5, 6], [-0.5, -1.0])
    transcript.add([7])
    assert (transcript.ids, transcript.own, transcript.log_probs) == ([5, 6, 7], [1, 1, 0], [-0.5, -1.0, 0.0])


@pytest.mark.parametrize("make", [bare, pretrained])
def test_moves_are_what_fresh_greedy_decoding_would_write(make):
    """The whole dialogue is written anew each turn and read without a cache."""
    model, tokenizer = make()
    policy = MultiTurnPolicy(model, tokenizer, restrict="legal")
    (attempt,) = rollout(policy, [MAZES[3]], [0], max_steps=5)
    cells = path_cells(attempt.maze.origin, list(attempt.moves))
    replies = Replies(tokenizer)
    dialogue = render_play(tokenizer, observed(attempt.maze, cells[0])).text
    for number, move in enumerate(attempt.moves):
        legal = possible_moves(int(attempt.maze.walls[cells[number]]))
        tokens = {tuple(tokenizer(MOVE_TOKENS[m], add_special_tokens=False)["input_ids"]): m for m in legal}
        written = ()
        while written not in tokens:
            logits = fresh_logits(model, tokenizer, dialogue + tokenizer.decode(list(written)))
            following = {ids[len(written)] for ids in tokens if ids[: len(written)] == written}
            written += (max(following, key=lambda token: float(logits[token])),)
        assert tokens[written] == move
        dialogue += move.token + replies.write(observed(attempt.maze, cells[number + 1], moved=True))


def test_restricted_play_makes_moves_and_legal_play_possible_ones():
    model, tokenizer = bare()
    free, moving, legal = (
        rollout(MultiTurnPolicy(model, tokenizer, restrict=restrict), MAZES, range(8), max_steps=8)
        for restrict in ("none", "moves", "legal")
    )
    assert any(attempt.end is End.NOT_A_MOVE for attempt in free)
    assert all(attempt.end is not End.NOT_A_MOVE for attempt in moving)
    assert any(not attempt.legal for attempt in moving)
    assert all(attempt.legal and attempt.moves for attempt in legal)
    assert all(attempt.tokens == len(attempt.moves) for attempt in legal)


def test_sampled_attempts_repeat_with_their_seeds_and_leave_the_global_generator_alone():
    model, tokenizer = bare()
    before = torch.get_rng_state()
    runs = [
        [
            attempt.moves
            for attempt in rollout(
                MultiTurnPolicy(model, tokenizer, temperature=1.0, restrict="moves"), MAZES, seeds, max_steps=8
            )
        ]
        for seeds in (range(8), range(8), range(8, 16))
    ]
    assert runs[0] == runs[1] != runs[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_is_in_evaluation_mode_for_its_turns_alone():
    model, tokenizer = bare()
    model.train()
    rollout(MultiTurnPolicy(model, tokenizer), MAZES[:1], [0])
    assert model.training
    model.config.max_position_embeddings = 20
    with pytest.raises(InvalidConfig, match=r"Expects prompts and max_turn_tokens=16 to fit .* 20 tokens, actual: a"):
        rollout(MultiTurnPolicy(model, tokenizer), MAZES[:1], [0])
    assert model.training


def test_the_reply_says_where_the_agent_stands_and_under_partial_observability_what_came_into_view():
    model, tokenizer = bare()
    maze = generate(5, MazeSpec(3, 3, split=None))
    policy = MultiTurnPolicy(model, tokenizer, restrict="legal")
    replies = []
    append = policy.decoder.append
    policy.decoder.append = lambda ids: (replies.extend(map(tokenizer.decode, ids)), append(ids))
    (attempt,) = rollout(policy, [maze], [0], max_steps=4, view_radius=0)
    cells = path_cells(maze.origin, list(attempt.moves))[: len(replies) + 1]
    assert replies
    for number, text in enumerate(replies):
        there = cells[number + 1]
        came_into_view = there not in cells[: number + 1]
        assert text == reply_text(observed(maze, there), bare=True) * (1 + came_into_view)


def test_in_words_the_reply_is_a_turn_of_the_chat_template():
    _, tokenizer = pretrained()
    maze = generate(0, MazeSpec(2, 3, split=None))
    walls = maze.walls.copy()
    walls[1, 2], walls[0, 0] = 3, 0
    hit = Observation(walls, (1, 2), (0, 1), moved=False, revealed=(((0, 2), 15),))
    told = "A wall is in the way. You are at <|1-2|>, <|up_down_wall|>. You see: <|0-2|><|all_wall|>"
    assert Replies(tokenizer).write(hit) == f"<im_end>\n<im_start>user\n{told}<im_end>\n<im_start>assistant\n"
    start = Observation(walls, (0, 0), (0, 1))
    ending = f"MAZE:\n{start.text}\nYou are at <|0-0|>, <|no_wall|>.<im_end>\n<im_start>assistant\n"
    assert render_play(tokenizer, start).text.endswith(ending)
    tokenizer.chat_template = None
    moved = Observation(walls, (1, 2), (0, 1), moved=True)
    assert Replies(tokenizer).write(moved) == "\nYou moved. You are at <|1-2|>, <|up_down_wall|>.\n"


def test_a_template_without_a_second_turn_is_an_error():
    for template in ("{{ messages[0]['content'] }}", "{{ raise_exception('one turn only') }}"):
        _, tokenizer = pretrained(template)
        with pytest.raises(InvalidCheckpoint, match="Expects a chat template that"):
            Replies(tokenizer)


def dialogue_lengths(policy):
    return [len(policy.prompts[index]) + len(policy.transcripts[index].ids) for index in policy.prompts]


@pytest.mark.parametrize("bound", ["context", "max_tokens"])
def test_a_dialogue_without_room_for_another_turn_ends_in_a_truncated_reply(bound):
    model, tokenizer = bare()
    whole = MultiTurnPolicy(model, tokenizer, restrict="legal", max_turn_tokens=1)
    unbounded = rollout(whole, MAZES, range(8), max_steps=8)
    options = {"max_tokens": 9} if bound == "max_tokens" else {}
    if bound == "context":
        model.config.max_position_embeddings = max(dialogue_lengths(whole)) - 6
    policy = MultiTurnPolicy(model, tokenizer, restrict="legal", max_turn_tokens=1, **options)
    attempts = rollout(policy, MAZES, range(8), max_steps=8)
    cut = [attempt for attempt in attempts if attempt.ended_by is EndedBy.TOKEN_BUDGET]
    assert 0 < len(cut) < 8
    for attempt, other in zip(attempts, unbounded, strict=True):
        if attempt in cut:
            assert (attempt.end, attempt.malformed, attempt.texts[-1]) == (End.SHORT_OF_TARGET, False, "")
            assert attempt.moves == other.moves[: len(attempt.moves)]
            assert 0 < attempt.tokens == len(attempt.moves) < len(other.moves)
        else:
            assert attempt == other
    if bound == "context":
        assert max(dialogue_lengths(policy)) <= model.config.max_position_embeddings
    else:
        # A turn and its reply are three tokens here: a third turn would be the seventh token, a fourth the tenth.
        assert {len(attempt.moves) for attempt in cut} == {3}
        assert max(len(transcript.ids) for transcript in policy.transcripts.values()) <= 9


def test_a_turn_that_spends_its_tokens_without_a_move_is_truncated():
    model, tokenizer = pretrained()
    (attempt,) = rollout(MultiTurnPolicy(model, tokenizer, max_turn_tokens=3), MAZES[:1], [0])
    assert (attempt.end, attempt.ended_by, attempt.tokens) == (End.NOT_A_MOVE, EndedBy.TOKEN_BUDGET, 3)


def test_a_text_that_ends_before_a_move_is_the_models_own_end():
    model, tokenizer = pretrained()
    policy = MultiTurnPolicy(model, tokenizer)
    policy.decoder.end_ids = list(range(len(tokenizer)))  # whatever it writes ends the turn
    (attempt,) = rollout(policy, MAZES[:1], [0])
    assert (attempt.end, attempt.ended_by, attempt.tokens) == (End.NOT_A_MOVE, EndedBy.AGENT, 1)


def test_thinking_that_the_template_opens_is_closed_before_a_move_counts():
    model, tokenizer = pretrained(tiny.R1_CHAT)
    policy = MultiTurnPolicy(model, tokenizer, max_turn_tokens=12)
    policy.reset([0])
    scripts = iter([f"hm</think>{Move.DOWN.token}", Move.DOWN.token])

    def generate_script(possible, generator):
        text = next(scripts)
        ids = ids_of(tokenizer, [text])[0]
        policy.decoder.unread[0].extend(ids)
        return [text], [ids], [[0.0] * len(ids)]

    policy.decoder.generate = generate_script
    first, second = (policy.act([maze_to_text(MAZES[0])])[0] for _ in range(2))
    assert (first.text, first.thinking_opened, first.truncated) == ("<|down|>", True, False)
    assert (second.text, second.truncated) == ("<|down|>", True)  # inside the thinking: no move, and no end


def test_wrong_values_are_refused(tmp_path):
    model, tokenizer = bare()
    with pytest.raises(UnknownName, match=r"Expects a restriction out of .*'legal'.*Did you mean 'legal'\?"):
        MultiTurnPolicy(model, tokenizer, restrict="leagl")
    with pytest.raises(
        InvalidConfig, match="Expects max_tokens with room for a turn of max_turn_tokens=16, actual: 15"
    ):
        MultiTurnPolicy(model, tokenizer, max_tokens=15)
    folder = tiny.save(tmp_path, model, tokenizer)
    for name, wrong, minimum in (("temperature", -1, 0), ("max_turn_tokens", 0, 1), ("batch_size", 0, 1)):
        with pytest.raises(InvalidConfig, match=f"Expects {name} of at least {minimum}, actual: {wrong}"):
            MultiTurnPolicy.from_pretrained("runs/never-made", **{name: wrong})  # before anything is loaded
    with pytest.raises(UnknownName, match="Expects a restriction"):
        MultiTurnPolicy.from_pretrained("runs/never-made", restrict="leagl")
    with pytest.raises(InvalidConfig, match="Expects max_tokens with room"):
        MultiTurnPolicy.from_pretrained("runs/never-made", max_tokens=15)
    policy = MultiTurnPolicy.from_pretrained(folder, restrict="legal")
    (attempt,) = rollout(policy, [MAZES[0]], [0], max_steps=3)
    assert attempt.moves
    with pytest.raises(InvalidConfig, match=r"one of \('play',\), actual: 'plan'"):
        rollout(MultiTurnPolicy(model, tokenizer, mode="plan"), [MAZES[0]], [0])


def test_an_episode_that_has_ended_gets_an_empty_reply():
    model, tokenizer = bare()
    policy = MultiTurnPolicy(model, tokenizer, restrict="moves")
    policy.reset([0, 1])
    assert policy.act(["", ""]) == [Reply("", tokens=0)] * 2
    first, second = policy.act(["", maze_to_text(MAZES[0])])
    assert first == Reply("", tokens=0)
    assert second.text in MOVE_TOKENS


def test_possible_moves_of_every_wall_byte():
    for bits, move in itertools.product(range(16), Move):
        assert (move in possible_moves(bits)) == (not bits >> move & 1)
