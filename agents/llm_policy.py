"""``LLMPolicy``: makes any causal language model that ``transformers`` loads an agent, in both modes.

In *plan* the model reads the maze once and its completion is the answer. In *play* it reads each observation, which is
a maze to solve from there, plans anew, and plays the first move of its plan.
"""

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from tqdm import tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedModel

from agents.base import Agent, Mode
from agents.decoding import context_length, drop_finished, end_ids, evaluation_mode
from agents.errors import InvalidCheckpoint, require_at_least
from agents.prompts import prompt_settings, prompt_template, render, set_prompt_template, token_ids
from agents.protocols import Tokenizer
from maze_env.answers import first_move
from maze_env.attempt import Reply
from maze_env.errors import InvalidConfig, UnreadableMaze
from maze_env.keys import key_of
from maze_env.maze import Maze
from maze_env.phrasings import STANDARD, phrasing_named


def load_checkpoint(
    path: str, chat_template_file: str | None = None, prompt_file: str | None = None, **options: Any
) -> tuple[PreTrainedModel, Tokenizer]:
    """The model and tokenizer of a folder or hub name; ``options`` are passed to ``from_pretrained``.

    ``chat_template_file`` (Jinja) replaces the tokenizer's, ``prompt_file``, a text with ``{maze}`` in it, the
    standard prompt; InvalidConfig where they are not. Raises InvalidCheckpoint when nothing usable is there, model and
    tokenizer disagree on the vocabulary, or nothing says how the model is to be prompted, as for a base model.
    """
    for name, file in (("chat_template_file", chat_template_file), ("prompt_file", prompt_file)):
        if file is not None and not Path(file).is_file():
            raise InvalidConfig(f"Expects {name} to name a file, actual: {file!r}, which does not exist")
    kinds = ("config.json", "adapter_config.json")  # a model, or adapters, which name the model that they belong to
    if Path(path).is_dir() and not any((Path(path) / kind).is_file() for kind in kinds):
        raise InvalidCheckpoint(f"Expects a folder with a saved model (config.json), actual: {path!r} has none")
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model, info = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True, **options)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InvalidCheckpoint(
            f"Expects a folder or hub name with a causal language model and its tokenizer, actual: {path!r} ({reason})"
        ) from error
    if info["missing_keys"]:  # transformers would fill them with random numbers and only log it
        raise InvalidCheckpoint(
            f"Expects all weights of the model in {path!r}, actual: {len(info['missing_keys'])} are missing, "
            f"{min(info['missing_keys'])!r} among them"
        )
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InvalidCheckpoint(
            f"Expects an embedding for each of the tokenizer's {len(tokenizer)} tokens, actual: {rows} rows in {path!r}"
        )
    if tokenizer.pad_token is None:  # as in GPT-2 and Llama; batches need one, and masks keep it from being read
        tokenizer.pad_token = tokenizer.eos_token
    if chat_template_file is not None:
        tokenizer.chat_template = Path(chat_template_file).read_text(encoding="utf-8")
    if prompt_file is not None:
        set_prompt_template(tokenizer, Path(prompt_file).read_text(encoding="utf-8"))
    if not tokenizer.chat_template:
        raise InvalidCheckpoint(
            "Expects a tokenizer with a chat template, actual: none (for a base model, give one as chat_template_file; "
            "{{ messages[0]['content'] }} in it is the prompt and nothing else)"
        )
    return model, tokenizer


def load_for_inference(path: str, device: str | None, **options: Any) -> tuple[PreTrainedModel, Tokenizer]:
    """``load_checkpoint``, in evaluation mode and on ``device``: by default the first accelerator, else the CPU."""
    model, tokenizer = load_checkpoint(path, **options)
    if "device_map" not in options:
        accelerator = torch.accelerator.current_accelerator()
        model.to(device or (accelerator if accelerator is not None else "cpu"))
    return model.eval(), tokenizer


class ModelAgent(Agent):
    """An agent that is a causal language model: what ``LLMPolicy`` and ``MultiTurnPolicy`` share."""

    temperature: float
    """0 decodes greedily; above, samples from the whole distribution."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer, name: str, mode: Mode, **options: Any):
        self.check_options(**options)
        self.model, self.tokenizer, self.name, self.mode = model, tokenizer, name, mode
        self.temperature, self.batch_size = options["temperature"], options["batch_size"]
        self.reset([])

    @classmethod
    def from_pretrained(cls, path: str, device: str | None = None, **options: Any) -> Self:
        """Loads the model and makes it an agent.

        Args:
            path: as ``load_checkpoint``; the agent's name, unless ``name`` is given.
            device: where the model runs; by default the first accelerator, else the CPU.
            options: the constructor's and ``load_checkpoint``'s.

        Raises:
            InvalidConfig: for values that cannot be, before anything is loaded.
            InvalidCheckpoint: as ``load_checkpoint``.
        """
        signature = inspect.signature(cls)
        own = {"name": path} | {name: options.pop(name) for name in signature.parameters if name in options}
        bound = signature.bind_partial(**own)
        bound.apply_defaults()
        cls.check_options(**bound.arguments)
        return cls(*load_for_inference(path, device, **options), **own)

    @classmethod
    def check_options(cls, **options: Any) -> None:
        """Raises InvalidConfig for options of the constructor that cannot be."""
        require_at_least(0, temperature=options["temperature"])
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
        if self.temperature == 0:
            return None
        seed = key_of(self._turn, *(self._seeds[index] for index in indices)) % 2**63
        return torch.Generator(self.model.device).manual_seed(seed)


# What a result tells of the generation configuration, and a maze to try a phrasing on.
SETTINGS = ("temperature", "max_new_tokens", "do_sample", "top_k", "top_p", "repetition_penalty", "eos_token_id")
SAMPLE = Maze([[5, 9], [14, 14]], (0, 0), (1, 1))


class LLMPolicy(ModelAgent):
    """A language model as an agent, in both modes.

    >>> policy = LLMPolicy.from_pretrained("runs/my-model", temperature=0.7)  # doctest: +SKIP
    """

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
        """
        options = {"temperature": temperature, "max_new_tokens": max_new_tokens, "batch_size": batch_size}
        super().__init__(model, tokenizer, name, mode, **options)
        self.progress = progress
        self.generation = GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=temperature > 0,
            # Said, for what is None is taken from the model's own configuration.
            **({"temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {}),
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=end_ids(model, tokenizer),
        )
        """How ``model.generate`` decodes."""

    @property
    def prompt_template(self) -> str:
        """The prompt in force, chat template included, with ``{maze}`` instead of the maze."""
        return prompt_template(self.tokenizer, self._phrasing)

    @property
    def settings(self) -> dict[str, Any]:
        own = self.model.generation_config  # where nothing else is said
        given = {name: getattr(self.generation, name) for name in SETTINGS}
        settings = {name: getattr(own, name, None) if value is None else value for name, value in given.items()}
        if not settings["do_sample"]:
            settings |= {"temperature": 0.0, "top_k": None, "top_p": None}
        settings["dtype"] = str(self.model.dtype).removeprefix("torch.")
        return settings | prompt_settings(prompt_template(self.tokenizer))

    def supports(self, phrasing: str) -> bool:
        try:
            token_ids(self.tokenizer, [render(self.tokenizer, phrasing_named(phrasing).write(SAMPLE), phrasing).text])
        except UnreadableMaze:
            return False
        return True

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
        with evaluation_mode(self.model):
            sequences = self.model.generate(**inputs, generation_config=self.generation, custom_generate=decode)
        completions = sequences[:, inputs["input_ids"].shape[1] :]
        ended = torch.isin(completions, torch.tensor(self.generation.eos_token_id, device=completions.device))
        texts = self.tokenizer.batch_decode(completions, skip_special_tokens=True)
        # Up to and with the first end token; all of them where there is none.
        lengths = [row.index(True) + 1 if True in row else None for row in ended.tolist()]
        return [
            Reply(text, length or ended.shape[1], length is None, thinking_opened=prompt.thinking_opened)
            for prompt, text, length in zip(prompts, texts, lengths, strict=True)
        ]
