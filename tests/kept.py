"""Results that are kept: the committed ones, and agents whose runs are killed and gone on with."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
COMMITTED = sorted(path for path in RESULTS.rglob("*.json") if '"benchmark": ' in path.read_text(encoding="utf-8")[:80])
MODULE = """
import os, time
from pathlib import Path
from random import Random
from tokenmaze.agents.base import Agent
from tokenmaze.agents.errors import InvalidEndpoint
from maze_env.attempt import Reply
from maze_env.moves import MOVE_TOKENS
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text

class Sampler(Agent):
    '''Answers that depend on the seed, and on its company in the batch; some with traces, some cut short.'''

    name, batch_size = "sampler", 7

    def __init__(self, mode="plan", pause=0.0):
        self.mode, self.pause = mode, pause

    def reset(self, seeds, phrasing):
        self.rng = Random(sum(seeds))

    def act(self, observations):
        Path("begun").touch()
        time.sleep(self.pause)
        return [self.reply(text) for text in observations]

    def reply(self, text):
        tokens = self.rng.randrange(50)
        if self.mode == "play" or not text or self.rng.random() < 0.3:
            count = 1 if self.mode == "play" else self.rng.randrange(4)
            return Reply("".join(self.rng.choices(MOVE_TOKENS, k=count)), tokens)
        way = "".join(move.token for move in shortest_path(maze_from_text(text)))
        thinking = self.rng.choice(["<think>", "", "<|0-0|>"])
        return Reply(f"{thinking}{way}</think>{way}", tokens, self.rng.random() < 0.1, thinking_opened=not thinking)

class Served(Sampler):
    '''The server behind it dies after 900 requests, unless there is a file that says that it was started again.'''

    batch_size, asked = 50, 0

    def act(self, observations):
        self.asked += len(observations)
        dead = self.asked > 925 and not Path("restarted").exists()
        return [Reply("", 0, failure="APIConnectionError") if dead else self.reply(text) for text in observations]

    def check(self):
        if not Path("restarted").exists():
            raise InvalidEndpoint("Expects a server, actual: none")
"""
