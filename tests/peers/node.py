"""A program in JavaScript, on the Node of the lock: asked by one JSON line, answering by one."""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
NODE = Path(sys.executable).with_name("node")


class Program:
    """Use as a context; it ends when its input does."""

    def __init__(self, script: str) -> None:
        assert NODE.is_file(), "Node is missing: pip install -r requirements-peers.txt"
        assert (HERE.parents[1] / "node_modules/openid-client").is_dir(), "openid-client is missing: npm ci"
        self.child = subprocess.Popen(  # noqa: S603 -- our own script
            [str(NODE), str(HERE / script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def ask(self, verb: str, **facts: Any) -> Any:
        """What it answers; a refusal is an answer with `fault`."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(json.dumps({"verb": verb, **facts}) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        assert line, f"the program ended at {verb}"
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.child.communicate(timeout=10)
