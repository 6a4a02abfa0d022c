"""The native half: arrays cross as shapes and bytes, descriptions as JSON."""

from collections.abc import Callable
from typing import Any, final

__version__: str

_Crossing = tuple[list[int], bytes]
_Shown = tuple[str, list[int], str, bytes]
_Tell = Callable[[str, str | None, float | None], None] | None

def command_line(words: list[str]) -> int: ...
def target_features() -> list[str]: ...
def read_bytes(path: str) -> bytes: ...
def read_file(path: str, kind: str) -> bytes: ...
def write_file(path: str, data: bytes, force: bool) -> None: ...
def write_binding(path: str, commitment: bytes, opening: bytes, force: bool) -> None: ...
def describe_commitment(data: bytes, name: str) -> str: ...
def public_values(proof: bytes, key: bytes) -> tuple[list[_Shown], list[_Shown]]: ...
def verify_together(keys: list[Key], proofs: list[tuple[bytes, str]], require: list[str]) -> str: ...
def audit(path: str, name: str | None, key: bytes) -> tuple[str, str]: ...
def strip(path: str, name: str | None) -> tuple[bytes, str]: ...
def explain(path: str, name: str | None) -> tuple[str, str]: ...
def inspect(path: str) -> str: ...

@final
class Cancel:
    def __new__(cls) -> Cancel: ...
    def set(self) -> None: ...

@final
class Options:
    def __new__(
        cls,
        *,
        private_input: bool,
        private_output: bool,
        bits: int | None,
        max_error: float | None,
        setup: str,
        task: str,
        new_tokens: int | None,
        temperature: float | None,
        target_kl: float | None,
        input_like: bytes | None,
        input_shapes: list[list[int]],
        weights_of: str | None,
        model_proof: bool,
        seed: int | None,
    ) -> Options: ...

@final
class Proved:
    proof: bytes
    outputs: list[_Shown]
    inputs: list[_Shown]
    kept: tuple[bytes, bytes] | None
    seconds: float
    phases: list[tuple[str, float]]

@final
class Compiled:
    @staticmethod
    def compile(
        path: str,
        name: str | None,
        files: list[str],
        samples: list[_Crossing],
        options: Options,
        tell: _Tell,
    ) -> Compiled: ...
    @staticmethod
    def load(folder: str) -> Compiled: ...
    def save(self, folder: str, force: bool) -> None: ...
    def inputs(self) -> list[dict[str, Any]]: ...
    def outputs(self) -> list[dict[str, Any]]: ...
    def report(self) -> bytes | None: ...
    def report_text(self) -> str | None: ...
    def verifying_key(self) -> bytes: ...
    def model_proof(self) -> bytes | None: ...
    def run(self, inputs: list[_Crossing], generate: int | None, seed: str | None) -> list[_Shown]: ...
    def run_batch(self, count: int, inputs: list[_Crossing], tell: _Tell) -> list[bytes]: ...
    def prove(
        self,
        inputs: list[_Crossing] | None,
        bind: list[tuple[str, bytes, bytes]],
        generate: int | None,
        seed: str | None,
        check: bool,
        threads: int | None,
        insecure_seed: int | None,
        tell: _Tell,
        cancel: Cancel | None,
    ) -> Proved: ...
    def commit(self, inputs: list[_Crossing], insecure_seed: int | None) -> tuple[bytes, bytes]: ...

@final
class Key:
    def __new__(cls, data: bytes, model_proof: bytes | None, name: str) -> Key: ...
    digest: str
    model_digest: str
    input_names: list[str]
    def verify(
        self,
        proof: bytes,
        name: str,
        known: list[_Crossing] | None,
        require: list[str],
        bind: list[tuple[str, bytes]],
        seed: str | None,
    ) -> tuple[str, list[_Shown], list[_Shown]]: ...
