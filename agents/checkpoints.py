"""Loads a causal language model and its tokenizer, by the same words, and checks that they can be worked with.

A checkpoint is a folder, a hub name (``owner/model``) or a GGUF file; it holds a model, or low-rank adapters of peft,
which name the model that they belong to.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import find_adapter_config_file

from maze_env._cli import near, path_of
from maze_env._packages import missing_package
from maze_env.errors import InvalidConfig, lookup, unknown_name
from tokenmaze.agents.chat_options import set_chat_options, template_variables
from tokenmaze.agents.chat_templates import check_template, fix_date, keep_begin_token
from tokenmaze.agents.errors import InvalidCheckpoint
from tokenmaze.agents.generation import end_ids
from tokenmaze.agents.model_names import check_exists
from tokenmaze.agents.prompts import read_prompt, set_prompt_template
from tokenmaze.agents.protocols import Tokenizer
from tokenmaze.agents.tokenization import check_answers_survive

PLACE = (
    "cache_dir", "code_revision", "force_download", "gguf_file", "local_files_only", "proxies", "revision", "subfolder",
    "token", "trust_remote_code",
)  # fmt: skip
"""Words of ``from_pretrained`` that say where a checkpoint is and how it is fetched: for model and tokenizer alike."""
MODEL = (
    "attn_implementation", "device_map", "dtype", "experts_implementation", "max_memory", "offload_buffers",
    "offload_folder", "quantization_config", "use_kernels", "use_safetensors", "variant",
)  # fmt: skip
"""Words that say what becomes of the weights."""
PROMPT = ("chat_template_file", "prompt")
CHAT = ("system_message", "thinking", "reasoning_effort", "chat_template_kwargs")
"""Words of ``agents.chat_options``."""
OPTIONS = (*PROMPT, *CHAT, *PLACE, *MODEL)
"""All that ``load_checkpoint`` takes by name."""
OF_THE_REPOSITORY = {"gguf_file", "revision", "subfolder", "code_revision"}
"""Words that are true of the adapters' place but not of the model's that they belong to."""
NOT_OF_ADAPTERS = {"code_revision", "gguf_file", "trust_remote_code"}
"""Words that peft does not know: adapters are neither code nor GGUF."""
DTYPES = {"auto": "auto", **{name: getattr(torch, name) for name in ("bfloat16", "float16", "float32", "float64")}}


def check_options(options: dict[str, Any], others: tuple[str, ...] = ()) -> None:
    """Raises UnknownName for words that are none of ``OPTIONS`` or ``others``, InvalidConfig for impossible values."""
    for name in options:
        if name not in OPTIONS and name not in others:
            raise unknown_name("model option", name, (*OPTIONS, *others))
    file = options.get("chat_template_file")
    if file is not None and not (path := path_of(file)).is_file():
        why = "is none" if path.exists() else f"does not exist{near(path)}"
        raise InvalidConfig(f"Expects chat_template_file to name a file, actual: {str(file)!r}, which {why}")
    if options.get("prompt") is not None:
        read_prompt(options["prompt"])
    for name in ("max_memory", "offload_buffers", "offload_folder"):
        if options.get(name) is not None and options.get("device_map") is None:
            raise InvalidConfig(f"Expects device_map with {name}, actual: none")
    template_variables(*(options.get(name) for name in CHAT[1:]))
    dtype = options.get("dtype")
    if dtype is not None and not isinstance(dtype, torch.dtype):
        lookup("dtype", str(dtype), DTYPES)


def check_device(device: str | None) -> None:
    """Raises InvalidConfig for a device that is none, or that this machine does not have."""
    if device is None:
        return
    try:
        torch.empty(1, device=device).item()  # what is wrong with it, only using it tells
    except Exception as error:
        raise InvalidConfig(f"Expects a device of this machine, actual: {device!r} ({_reason(error)})") from None


def load_checkpoint(path: str, merge_adapters: bool = False, **options: Any) -> tuple[PreTrainedModel, Tokenizer]:
    """The model and tokenizer of a folder, hub name or GGUF file, ready to read mazes and to write answers.

    Args:
        path: the folder, name or file.
        merge_adapters: makes adapters part of the weights; else they stay beside them.
        options: words of ``OPTIONS``. ``chat_template_file`` (Jinja) replaces the tokenizer's, ``prompt``, a text
            with ``{maze}`` in it, the standard prompt; ``CHAT`` is as for ``EndpointAgent``; the others are those of
            transformers' ``from_pretrained``.

    Raises:
        UnknownName: for a word that is none of them.
        InvalidConfig: for files that do not exist and values that cannot be.
        InvalidCheckpoint: when nothing usable is there, model and tokenizer disagree on the vocabulary, nothing says
            how the model is to be prompted, as for a base model, or its chat template or vocabulary loses some of a
            maze or of an answer.
    """
    check_options(options)
    given, found = path, {name: options[name] for name in PLACE if options.get(name) is not None}
    path = resolve(path, found)
    words = {"trust_remote_code": False} | found  # unsaid, transformers would ask at the terminal
    model_words = {name: options[name] for name in MODEL if options.get(name) is not None}
    base, base_words = path, words
    if adapters := _adapter_config(path, found):
        base = str(adapters["base_model_name_or_path"])
        base_words = {name: value for name, value in words.items() if name not in OF_THE_REPOSITORY}
        base_words |= {"revision": adapters["revision"]} if adapters.get("revision") else {}
        base = resolve(base, base_words)
    try:
        tokenizer = _tokenizer(path, words, base, base_words)
        model, info = AutoModelForCausalLM.from_pretrained(base, output_loading_info=True, **base_words, **model_words)
        if adapters:
            model = _with_adapters(model, path, words, merge_adapters)
    except InvalidConfig:
        raise
    except Exception as error:  # files and code of others: whatever they raise, nothing usable is there
        how = "".join(f", {name}={value!r}" for name, value in model_words.items())
        raise InvalidCheckpoint(
            f"Expects a folder or hub name with a causal language model and its tokenizer, actual: {given!r}{how} "
            f"({_reason(error)})"
        ) from error
    if info["missing_keys"]:  # transformers would fill them with random numbers and only log it
        raise InvalidCheckpoint(
            f"Expects all weights of the model in {given!r}, actual: {len(info['missing_keys'])} are missing, "
            f"{min(info['missing_keys'])!r} among them"
        )
    if "gguf_file" in words:  # the weights have been written out, so that the model can be saved as any other
        model.hf_quantizer.remove_quantization_config(model)
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise InvalidCheckpoint(
            f"Expects an embedding for each of the tokenizer's {len(tokenizer)} tokens, "
            f"actual: {rows} rows in {given!r}"
        )
    _complete(model, tokenizer, given)
    _set_prompt(tokenizer, options.get("chat_template_file"), options.get("prompt"))
    system_message, *variables = (options.get(name) for name in CHAT)
    set_chat_options(tokenizer, system_message, template_variables(*variables))
    check_tokenizer(model, tokenizer)
    return model, tokenizer


def check_tokenizer(model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    """Raises InvalidCheckpoint where the chat template or the vocabulary loses some of a maze or of an answer."""
    check_template(tokenizer)
    check_answers_survive(tokenizer, end_ids(model, tokenizer))


def load_for_inference(path: str, device: str | None, **options: Any) -> tuple[PreTrainedModel, Tokenizer]:
    """``load_checkpoint``, in evaluation mode and on ``device``: by default the first accelerator, else the CPU."""
    check_device(device)
    if device is not None and options.get("device_map") is not None:
        raise InvalidConfig(f"Expects one of device and device_map, actual: {device!r} and {options['device_map']!r}")
    model, tokenizer = load_checkpoint(path, **options)
    if options.get("device_map") is None and not getattr(model, "is_quantized", False):
        accelerator = torch.accelerator.current_accelerator()
        model.to(device or (accelerator if accelerator is not None else "cpu"))
    return model.eval(), tokenizer


def resolve(path: str, words: dict[str, Any]) -> str:
    """Where to load from: a hub name as it is, else a folder that exists and holds a model or adapters.

    A file ``*.gguf`` becomes its folder, and its name a word; so does a folder's ``subfolder`` leave ``words``.
    """
    check_exists(path)
    place = path_of(path)
    if place.is_file():
        words["gguf_file"], place = place.name, place.parent
    elif not place.is_dir():
        return path
    if "revision" in words:
        raise InvalidConfig(f"Expects revision with a hub name, actual: {words['revision']!r} of the folder {path!r}")
    subfolder = words.pop("subfolder", "")
    place /= subfolder
    files = [words["gguf_file"]] if "gguf_file" in words else ["config.json", "adapter_config.json"]
    if not any((place / file).is_file() for file in files):
        raise InvalidCheckpoint(
            f"Expects a folder with a saved model ({files[0]}), actual: {path!r} has none"
            + (f" in {subfolder!r}" if subfolder else "")
        )
    return os.fspath(place)


def _adapter_config(path: str, words: dict[str, Any]) -> dict[str, Any] | None:
    """What ``adapter_config.json`` says where there is one, and no model beside it."""
    known = {name: value for name, value in words.items() if name not in NOT_OF_ADAPTERS}
    try:
        file = find_adapter_config_file(path, **known)
    except (OSError, ValueError):  # no such place: the loading of the tokenizer says so
        return None
    if file is None or (Path(file).parent / "config.json").is_file():
        return None
    try:
        config = json.loads(Path(file).read_text(encoding="utf-8"))
        config["base_model_name_or_path"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidCheckpoint(f"Expects adapters that name their model, actual: {path!r} ({error!r})") from None
    return config


def _with_adapters(model: PreTrainedModel, path: str, words: dict[str, Any], merge: bool) -> PreTrainedModel:
    try:
        from peft import PeftModel
    except ModuleNotFoundError as error:
        raise missing_package(error) from None
    own = {name: value for name, value in words.items() if name not in NOT_OF_ADAPTERS}
    adapted = PeftModel.from_pretrained(model, path, **own)
    if not merge:
        return adapted.get_base_model()
    # Only adapters were to be trained.
    return adapted.merge_and_unload().requires_grad_(not getattr(model, "is_quantized", False))


def _tokenizer(path: str, words: dict[str, Any], base: str, base_words: dict[str, Any]) -> Tokenizer:
    """The tokenizer beside the model or adapters; adapters without one have their model's."""
    try:
        return AutoTokenizer.from_pretrained(path, **words)
    except (OSError, ValueError):  # there is none; one that is there and damaged may know other tokens than the base's
        if path == base or (Path(path) / "tokenizer_config.json").is_file():
            raise
        return AutoTokenizer.from_pretrained(base, **base_words)


def _complete(model: PreTrainedModel, tokenizer: Tokenizer, name: str) -> None:
    """Sees to an end token and a padding token."""
    if tokenizer.eos_token is None:
        ends = end_ids(model, tokenizer)
        if not ends:
            raise InvalidCheckpoint(f"Expects a tokenizer or model with an end token, actual: {name!r} has none")
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(ends[0])
    if tokenizer.pad_token is None:  # as in GPT-2 and Llama; batches need one, and masks keep it from being read
        tokenizer.pad_token = tokenizer.eos_token


def _set_prompt(tokenizer: Tokenizer, chat_template_file: str | None, prompt: str | None) -> None:
    own = chat_template_file is not None or not tokenizer.chat_template
    if chat_template_file is not None:
        tokenizer.chat_template = path_of(chat_template_file).read_text(encoding="utf-8")
    if prompt is not None:
        set_prompt_template(tokenizer, read_prompt(prompt))
    if not tokenizer.chat_template:
        raise InvalidCheckpoint(
            "Expects a tokenizer with a chat template, actual: none (for a base model, give one as chat_template_file; "
            "{{ bos_token }}{{ messages[0]['content'] }} in it is the begin token and the prompt, and nothing else)"
        )
    fix_date(tokenizer)
    if own:
        keep_begin_token(tokenizer)


def _reason(error: Exception) -> str:
    """What another library says, on one line, its middle left out where that is long."""
    text = re.sub(r"\s+", " ", str(error)).strip() or type(error).__name__
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-195:]}"
