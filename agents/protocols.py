"""What is used of objects that ``transformers`` makes."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Protocol


class Tokenizer(Protocol):
    """A ``transformers`` tokenizer, fast and with a padding token (``load_checkpoint`` sees to both)."""

    chat_template: str | dict[str, str] | None
    """In Jinja; several by name."""
    pad_token: str | None
    """What fills up a batch."""
    eos_token: str | None
    """What ends a completion."""
    pad_token_id: int
    """The number of ``pad_token``."""
    bos_token_id: int | None
    """Of the token that begins a text, where there is one."""
    eos_token_id: int
    """The number of ``eos_token``."""

    @property
    def backend_tokenizer(self) -> Any:
        """The ``tokenizers.Tokenizer`` inside."""

    @property
    def all_special_tokens(self) -> list[str]:
        """Those that ``skip_special_tokens`` leaves out."""

    def __len__(self) -> int: ...
    def __call__(self, text: str | list[str], *, add_special_tokens: bool = True) -> Any: ...
    def pad(self, encoded_inputs: Any, **options: Any) -> Any: ...
    def decode(self, token_ids: Any, *, skip_special_tokens: bool = False) -> str: ...
    def batch_decode(self, sequences: Any, *, skip_special_tokens: bool = False) -> list[str]: ...
    def apply_chat_template(self, conversation: Sequence[Any], **options: Any) -> Any: ...
    def get_vocab(self) -> dict[str, int]: ...
    def add_tokens(self, new_tokens: Sequence[Any]) -> int: ...
    def convert_tokens_to_ids(self, tokens: list[str]) -> list[int]: ...
    def save_pretrained(self, save_directory: str | PathLike[str]) -> Any: ...
