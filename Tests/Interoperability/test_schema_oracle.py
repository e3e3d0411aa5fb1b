"""Fuzzed answers judged by `retort check` and by python-jsonschema: no verdict may differ.

RETORT_SCHEMA_ANSWERS is how many answers each schema judges; RETORT_FUZZ_SEED repeats a run.
"""

import copy
import json
import os
import random
import shutil

import jsonschema
import pytest

from answering import AnsweringServer, question

ANSWERS = int(os.environ.get("RETORT_SCHEMA_ANSWERS", "300"))
SEED = int(os.environ.get("RETORT_FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))

NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["name", "children"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/node",
}
SCHEMAS = {
    "flat": {
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 1, "maxLength": 12},
            "year": {"type": "integer", "minimum": -5, "exclusiveMaximum": 30},
            "ratio": {"type": "number", "multipleOf": 0.5},
            "level": {"enum": ["easy", "hard", None, 1, [1], {"a": 1.0}]},
            "ok": {"const": True},
        },
        "required": ["title", "year"],
    },
    "closed": {
        "type": "object",
        "properties": {"title": {"type": ["string", "null"]}},
        "patternProperties": {"^x[0-9]$": {"type": "integer"}},
        "additionalProperties": {"type": "boolean"},
        "propertyNames": {"maxLength": 6},
        "minProperties": 1,
        "maxProperties": 4,
    },
    "node": NODE,
    "lists": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": {"type": ["number", "null"]},
        "minItems": 1,
        "maxItems": 5,
        "uniqueItems": True,
        "contains": {"type": "integer", "minimum": 3},
        "minContains": 1,
        "maxContains": 2,
    },
    "union": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind", "n"]},
            {"type": "object", "properties": {"kind": {"const": "b"}, "s": {"type": "string"}}, "required": ["kind"]},
            {"type": "integer"},
        ]
    },
    "logic": {
        "allOf": [{"type": "object"}, {"not": {"required": ["bad"]}}],
        "anyOf": [{"required": ["title"]}, {"required": ["year"]}],
        "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        "then": {"required": ["n"]},
        "else": {"properties": {"n": False}},
        "dependentRequired": {"title": ["year"]},
        "dependentSchemas": {"year": {"properties": {"year": {"type": "integer"}}}},
    },
    "unevaluated": {
        "type": "object",
        "anyOf": [{"properties": {"title": {"type": "string"}}, "required": ["title"]}, {"properties": {"n": True}}],
        "properties": {"kind": True},
        "unevaluatedProperties": False,
    },
    "draft7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"n": {"type": "integer"}},
        "type": "object",
        "properties": {"n": {"$ref": "#/definitions/n", "type": "string"}, "list": {"items": [{"type": "string"}], "additionalItems": False}},
        "dependencies": {"title": ["year"], "kind": {"required": ["n"]}},
    },
}
KEYS = ["title", "year", "ratio", "level", "ok", "kind", "n", "s", "name", "children", "bad", "x1", "x12", "list", "ünï"]


def value(rng, depth=0):
    """Any value, of the kinds and names that the schemas speak of."""
    kind = rng.randrange(10 if depth < 3 else 7)
    if kind < 2:
        return rng.choice(["", "a", "b", "easy", "twelve chars", "thirteen char", "é🦉", "\u2028", "x" * 6])
    if kind < 4:
        return rng.choice([0, 1, 3, 4, -5, -6, 29, 30, 10**20, 2**53 + 1])
    if kind == 4:
        return rng.choice([0.5, 1.0, 3.0, 1.25, -0.0, 1e300, 1e-7])
    if kind == 5:
        return rng.choice([True, False])
    if kind == 6:
        return None
    if kind == 7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(6))]
    return {key: value(rng, depth + 1) for key in rng.sample(KEYS, rng.randrange(5))}


def instance(rng, name, depth=0):
    """A value that fits the schema of that name, or nearly."""
    if name == "flat":
        said = {"title": rng.choice(["a", "twelve chars"]), "year": rng.choice([-5, 0, 29])}
        more = {"ratio": rng.choice([0, 0.5, 2]), "level": rng.choice(["easy", None, 1, [1], {"a": 1}]), "ok": True}
        return said | {key: more[key] for key in more if rng.random() < 0.5}
    if name == "closed":
        return {"title": rng.choice(["t", None])} | ({"x1": 4} if rng.random() < 0.5 else {"other": True})
    if name == "node":
        count = rng.randrange(3) if depth < 3 else 0
        return {"name": "n", "children": [instance(rng, "node", depth + 1) for _ in range(count)]}
    if name == "lists":
        return ["s", rng.choice([3, 4]), *rng.sample([None, 0.5, 1, 2.0], rng.randrange(3))]
    if name == "union":
        return rng.choice([{"kind": "a", "n": 1}, {"kind": "b", "s": "s"}, 7])
    if name == "logic":
        return rng.choice([{"title": "t", "year": 1}, {"year": 3, "kind": "a", "n": 2}])
    if name == "unevaluated":
        return rng.choice([{"title": "t", "kind": 1}, {"kind": None, "n": 1}, {"title": "t", "n": 2}])
    return rng.choice([{"n": 1}, {"title": "t", "year": 0}, {"kind": 1, "n": 2, "list": ["a"]}])


def places(root):
    """Every container in a value."""
    found, left = [], [root]
    while left:
        here = left.pop()
        if isinstance(here, (dict, list)) and here:
            found.append(here)
            left += here.values() if isinstance(here, dict) else here
    return found


def mutated(rng, root):
    root = copy.deepcopy(root)
    for _ in range(rng.randrange(3)):
        here = places(root)
        if not here:
            return value(rng)
        place = rng.choice(here)
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        action = rng.randrange(4)
        if action == 0:
            del place[key]
        elif action == 1:
            place[key] = value(rng, 2)
        elif isinstance(place, dict):
            place[rng.choice(KEYS)] = value(rng, 2)
        else:
            place.append(place[key] if action == 2 else value(rng, 2))
    return root


def answer(rng):
    """A text, and the value in it: none if the text is broken."""
    root = value(rng) if rng.random() < 0.2 else mutated(rng, instance(rng, rng.choice(list(SCHEMAS))))
    text = json.dumps(root, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 1]))
    form = rng.random()
    if form < 0.1 and isinstance(root, (dict, list)):
        return f"As asked [1]:\n\n```json\n{text}\n```\n", [[1], root]
    if form < 0.2 and isinstance(root, (dict, list)) and len(text) > 4:
        return text[: rng.randrange(2, len(text))], None
    return text, [root]


@pytest.fixture(scope="module")
def judged(retort, tmp_path_factory):
    """A store of fuzzed answers by id, judged by nothing so far."""
    print(f"schema oracle seed {SEED}")
    rng = random.Random(SEED)
    folder = tmp_path_factory.mktemp("oracle")
    answers = [answer(rng) for _ in range(ANSWERS)]
    server = AnsweringServer(lambda _, body: answers[int(question(body))][0] or " ")
    rows = ({"id": str(number), "prompt": str(number)} for number in range(ANSWERS))
    (folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = ["run", folder / "p.jsonl", "--out", folder / "store", "--base-url", server.url, "--model", "m", "-q"]
    retort(*run)
    server.stop()
    return folder / "store", answers


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_verdict_differs(retort, judged, tmp_path, name):
    store, answers = judged
    schema = SCHEMAS[name]
    (tmp_path / "s.json").write_text(json.dumps(schema))
    shutil.copytree(store, tmp_path / "store")
    retort("check", tmp_path / "store", "--schema", tmp_path / "s.json")
    said = retort("cat", tmp_path / "store").stdout.split("\n")[:-1]
    fitting = {int(record["id"]): json.loads(record["value"]) for record in map(json.loads, said)}
    kind = jsonschema.Draft7Validator if "$schema" in schema else jsonschema.Draft202012Validator
    validator = kind(schema)
    fits = 0
    for number, (text, values) in enumerate(answers):
        wanted = [value for value in values or [] if validator.is_valid(value)]
        if values is None:
            # A truncated value may still be a complete one, such as the beginning of a number.
            assert number not in fitting or validator.is_valid(fitting[number]), f"seed {SEED}: {text}"
            continue
        assert (number in fitting) == bool(wanted), f"seed {SEED}, {name}: {text}"
        if wanted:
            assert fitting[number] == wanted[0], f"seed {SEED}, {name}: {text}"
            fits += 1
    assert fits > 0
