"""``LLMPolicy``: makes any causal language model that ``transformers`` loads an agent, in both modes.

In *plan* the model reads the maze once and its completion is the answer. In *play* it reads each observation, which is
a maze to solve from there, plans anew, and plays the first move of its plan.
"""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

import torch
from tqdm import tqdm
from transformers import GenerationConfig, PreTrainedModel

from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig, UnreadableMaze
from maze_env.keys import key_of
from maze_env.maze import Maze
from maze_env.phrasings import STANDARD, phrasing_named
from tokenmaze.agents.base import Agent, Mode
from tokenmaze.agents.checkpoints import check_options, load_for_inference
from tokenmaze.agents.decoding import context_length, drop_finished
from tokenmaze.agents.errors import require_at_least
from tokenmaze.agents.generation import (
    as_json,
    end_ids,
    only_settings_of_call,
    own_settings,
    special_ids,
    whole_distribution,
)
from tokenmaze.agents.prompts import prompt_settings, prompt_template, render
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.reading import check_causal, evaluation_mode
from tokenmaze.agents.tokenization import TextDecoder, token_ids


class ModelAgent(Agent):
    """An agent that is a causal language model: what ``LLMPolicy`` and ``MultiTurnPolicy`` share."""

    temperature: float
    """0 decodes greedily; above, samples from the whole distribution."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer, name: str, mode: Mode, **options: Any):
        self.check_options(**options)
        check_causal(model)
        self.model, self.tokenizer, self.name, self.mode = model, tokenizer, name, mode
        self.batch_size = options["batch_size"]
        self.sampled = options["temperature"] > 0
        """Whether completions are drawn, rather than decoded greedily."""
        self.reset([])

    @classmethod
    def from_pretrained(cls, path: str, device: str | None = None, **options: Any) -> Self:
        """Loads the model and makes it an agent.

        Args:
            path: as ``load_checkpoint``; the agent's name, unless ``name`` is given.
            device: where the model runs; by default the first accelerator, else the CPU.
            options: the constructor's and ``load_checkpoint``'s.

        Raises:
            UnknownName: for an option that is neither's.
            InvalidConfig: for values that cannot be, before anything is loaded.
            InvalidCheckpoint: as ``load_checkpoint``.
        """
        signature = inspect.signature(cls)
        check_options(
            options, ("device", *(name for name in signature.parameters if name not in ("model", "tokenizer")))
        )
        own = {"name": path} | {name: options.pop(name) for name in signature.parameters if name in options}
        bound = signature.bind_partial(**own)
        bound.apply_defaults()
        cls.check_options(**bound.arguments)
        return cls(*load_for_inference(path, device, **options), **own)

    @classmethod
    def check_options(cls, **options: Any) -> None:
        """Raises InvalidConfig for options of the constructor that cannot be."""
        require_at_least(0, temperature=options["temperature"])
        temperature, top_p = options["temperature"], options["top_p"]
        if not 0 < top_p <= 1:
            raise InvalidConfig(f"Expects top_p above 0 and at most 1, actual: {top_p}")
        if top_p < 1 and not temperature:
            raise InvalidConfig(f"Expects temperature above 0 with top_p={top_p}, actual: 0, greedy decoding")
        if options.get("use_model_settings") and (temperature or top_p < 1):
            raise InvalidConfig(
                "Expects temperature and top_p to stay unset with use_model_settings, "
                f"actual: temperature={temperature}, top_p={top_p}"
            )
        counts = ("max_new_tokens", "max_turn_tokens", "batch_size")
        require_at_least(1, **{name: options[name] for name in counts if name in options})

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        self._seeds, self._turn, self._phrasing = list(seeds), 0, phrasing

    def check_room(self, prompts: Iterable[list[int]], budget: str, tokens: int) -> None:
        """Raises InvalidConfig unless each prompt and the budget of that name fit into the model's context."""
        longest, context = max(map(len, prompts)), context_length(self.model)
        if longest + tokens > context:
            right = f"to fit into the context of {self.name!r}, {context} tokens"
            raise InvalidConfig(f"Expects prompts and {budget}={tokens} {right}, actual: a prompt of {longest} tokens")

    def generator(self, indices: Sequence[int]) -> torch.Generator | None:
        """The randomness of one turn. One generator serves the batch, so a sample depends on all seeds of its batch."""
        if not self.sampled:
            return None
        seed = key_of(self._turn, *(self._seeds[index] for index in indices)) % 2**63
        return torch.Generator(self.model.device).manual_seed(seed)


SETTINGS = ("temperature", "max_new_tokens", "do_sample", "top_k", "top_p", "repetition_penalty")
"""What a result tells of the generation configuration."""
SAMPLE = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))
"""A maze to try a phrasing on."""


class LLMPolicy(ModelAgent):
    """A language model as an agent, in both modes.

    >>> policy = LLMPolicy.from_pretrained("runs/my-model", temperature=0.7)  # doctest: +SKIP
    """

    prompts: dict[int, list[int]]
    """The tokens that each episode's model was given at its newest turn."""
    completions: dict[int, list[int]]
    """The tokens that it wrote then, with the one that ended them."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Tokenizer,
        name: str = "model",
        mode: Mode = "plan",
        temperature: float = 0.0,
        max_new_tokens: int = 512,
        batch_size: int = 256,
        progress: bool = False,
        top_p: float = 1.0,
        use_model_settings: bool = False,
    ):
        """A policy of a model that is loaded already, as during training; raises InvalidConfig for impossible values.

        Args:
            model: a causal language model.
            tokenizer: its own, with a chat template.
            name: what result files and tables call it.
            mode: one of ``MODES``.
            temperature: 0 decodes greedily; above, samples from the whole distribution.
            max_new_tokens: the completion's budget; a completion that reaches it is verified as it stands.
            batch_size: completions generated at once.
            progress: whether a bar is shown.
            top_p: samples from the fewest tokens, the likeliest first, that have this share of the distribution.
            use_model_settings: decodes as the model's own ``generation_config.json`` says, in place of ``temperature``
                and ``top_p``. Otherwise nothing of that file is read but the tokens that end a completion.
        """
        options = {"temperature": temperature, "top_p": top_p, "use_model_settings": use_model_settings}
        super().__init__(model, tokenizer, name, mode, max_new_tokens=max_new_tokens, batch_size=batch_size, **options)
        self.progress, self.use_model_settings = progress, use_model_settings
        self.eos_ids = end_ids(model, tokenizer)
        """The tokens that end a completion."""
        drawn = own_settings(model) if use_model_settings else whole_distribution(temperature, top_p)
        given = {"max_new_tokens": max_new_tokens} | special_ids(model, tokenizer)
        self.generation = GenerationConfig(**drawn | given)
        """How ``model.generate`` decodes."""
        self.sampled = bool(drawn["do_sample"])
        """Whether completions are sampled, rather than greedy."""
        self._decode = TextDecoder(tokenizer, self.eos_ids)

    @property
    def prompt_template(self) -> str:
        """The prompt in force, chat template included, with ``{maze}`` instead of the maze."""
        return prompt_template(self.tokenizer, self._phrasing)

    @property
    def settings(self) -> dict[str, Any]:
        settings = {name: getattr(self.generation, name) for name in SETTINGS}
        if not self.sampled:
            settings |= {"temperature": 0.0, "top_k": None, "top_p": None}
        settings |= {"eos_token_id": self.eos_ids, "dtype": str(self.model.dtype).removeprefix("torch.")}
        settings["use_model_settings"] = self.use_model_settings
        if self.use_model_settings:
            settings["model_settings"] = as_json(self.generation)
        return settings | prompt_settings(prompt_template(self.tokenizer))

    def supports(self, phrasing: str) -> bool:
        try:
            token_ids(self.tokenizer, [render(self.tokenizer, phrasing_named(phrasing).write(SAMPLE), phrasing).text])
        except UnreadableMaze:
            return False
        return True

    def reset(self, seeds: Sequence[int], phrasing: str = STANDARD) -> None:
        super().reset(seeds, phrasing)
        self.prompts, self.completions = {}, {}

    def act(self, observations: list[str]) -> list[Reply]:
        replies = [Reply("", tokens=0)] * len(observations)
        # Longest first, so that what does not fit into memory or context fails at once, and padding is little.
        waiting = sorted((i for i, text in enumerate(observations) if text), key=lambda i: -len(observations[i]))
        batches = [waiting[start : start + self.batch_size] for start in range(0, len(waiting), self.batch_size)]
        for batch in tqdm(batches, desc=f"{self.name} {self.mode}", disable=not self.progress):
            for index, reply in zip(batch, self._complete([observations[i] for i in batch], batch), strict=True):
                move = None if self.mode == "plan" else first_move(reply.text, reply.thinking_opened)
                # A completion without a move stays, so that the record shows it.
                replies[index] = reply if move is None else replace(reply, text=move.token)
        self._turn += 1
        return replies

    @torch.inference_mode()
    def _complete(self, observations: list[str], indices: list[int]) -> list[Reply]:
        prompts = [render(self.tokenizer, text, self._phrasing) for text in observations]
        ids = token_ids(self.tokenizer, [prompt.text for prompt in prompts])
        self.check_room(ids, "max_new_tokens", self.generation.max_new_tokens)
        inputs = self.tokenizer.pad({"input_ids": ids}, padding_side="left", return_tensors="pt").to(self.model.device)
        decode = partial(drop_finished, generator=self.generator(indices))
        with evaluation_mode(self.model), only_settings_of_call(self.model):
            sequences = self.model.generate(**inputs, generation_config=self.generation, custom_generate=decode)
        completions = sequences[:, inputs["input_ids"].shape[1] :]
        ended = torch.isin(completions, torch.tensor(self.eos_ids, device=completions.device))
        rows = completions.tolist()
        texts = [self._decode(row) for row in rows]
        # Up to and with the first end token; all of them where there is none.
        lengths = [row.index(True) + 1 if True in row else None for row in ended.tolist()]
        self.prompts |= zip(indices, ids, strict=True)
        self.completions |= {index: row[:length] for index, row, length in zip(indices, rows, lengths, strict=True)}
        return [
            Reply(text, length or ended.shape[1], length is None, thinking_opened=prompt.thinking_opened)
            for prompt, text, length in zip(prompts, texts, lengths, strict=True)
        ]
