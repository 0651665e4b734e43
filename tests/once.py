"""What a test run makes once and not once a test: compiled templates, builders of addresses, imported keys.

A server makes each of these once, at its start; a test that starts from nothing would make them all again. Nothing here
is ours and nothing changes what is made: the same input gives the same thing, only sooner.
"""

import json
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from joserfc import jwk
from werkzeug.routing import Rule


class Templates(BytecodeCache):
    """The byte code of templates by their text and by what their environment makes of it."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what was compiled from this very text, if it was."""
        bucket.code = self._made.get(_told(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        if bucket.code is not None:
            self._made[_told(bucket)] = bucket.code


def _told(bucket: Bucket) -> tuple[Any, ...]:
    made_by = bucket.environment
    names = (*made_by.extensions, *made_by.filters, *made_by.tests)
    return (bucket.key, bucket.checksum, made_by.trim_blocks, made_by.lstrip_blocks, *names)


def compile_templates_once() -> None:
    """For every application of this process."""
    Flask.jinja_options = {"bytecode_cache": Templates()}


def compile_addresses_once() -> None:
    """The router compiles two functions for each rule of each application: 500 rules, 0.1 s."""
    compiled, made = Rule._compile_builder, {}

    def builder(rule: Rule, append_unknown: bool = True) -> Any:  # noqa: FBT001, FBT002 -- as werkzeug calls it
        converters = tuple((name, type(found)) for name, found in rule._converters.items())
        told = (rule.rule, append_unknown, tuple(rule._trace), repr(rule.defaults), converters)
        if told not in made:
            made[told] = compiled(rule, append_unknown)
        return made[told]

    Rule._compile_builder = builder


def import_private_keys_once() -> None:
    """An RSA key takes 36 ms to import: its numbers are checked."""
    imported, made = jwk.import_key, {}

    def import_key(data: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict) or data.get("kty") != "RSA" or "d" not in data or args or kwargs:
            return imported(data, *args, **kwargs)
        told = json.dumps(data, sort_keys=True)
        if told not in made:
            made[told] = imported(data)
        return made[told]

    jwk.import_key = import_key


def for_all_tests() -> None:
    """Called when the tests are found, before any application is made."""
    compile_templates_once()
    compile_addresses_once()
    import_private_keys_once()
