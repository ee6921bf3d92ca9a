"""What is used of objects that ``transformers`` makes."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Protocol


class Tokenizer(Protocol):
    """A ``transformers`` tokenizer, fast and with a padding token (``load_checkpoint`` sees to both).

    Attributes:
        chat_template: the Jinja template that writes messages; several by name; or ``None``.
        backend_tokenizer: the ``tokenizers.Tokenizer`` inside.
    """

    chat_template: str | dict[str, str] | None
    pad_token: str | None
    eos_token: str | None
    pad_token_id: int
    bos_token_id: int | None
    eos_token_id: int

    @property
    def backend_tokenizer(self) -> Any: ...

    @property
    def all_special_tokens(self) -> list[str]: ...

    def __len__(self) -> int: ...

    def __call__(self, text: str | list[str], *, add_special_tokens: bool = True) -> Any: ...

    def decode(self, token_ids: Any, *, skip_special_tokens: bool = False) -> str: ...

    def batch_decode(self, sequences: Any, *, skip_special_tokens: bool = False) -> list[str]: ...

    def apply_chat_template(self, conversation: Sequence[Any], **options: Any) -> Any: ...

    def get_vocab(self) -> dict[str, int]: ...

    def add_tokens(self, new_tokens: Sequence[Any]) -> int: ...

    def convert_tokens_to_ids(self, tokens: list[str]) -> list[int]: ...

    def save_pretrained(self, save_directory: str | PathLike[str]) -> Any: ...
