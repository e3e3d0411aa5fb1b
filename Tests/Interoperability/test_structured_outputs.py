"""Schemas that Pydantic makes, and OpenAI's structured outputs, against `retort simulate`."""

import enum
import json
from typing import Annotated, Literal, Optional, Union

import openai
import pydantic
import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from conftest import KEY

QUESTION = [{"role": "user", "content": "Answer as you are told."}]


class Level(str, enum.Enum):
    easy = "easy"
    hard = "hard"


class Place(BaseModel):
    name: str
    north: float = Field(ge=-90, le=90)


class Person(BaseModel):
    """Nested, with lists, an enumeration and optional members."""

    name: str
    age: int = Field(ge=0, le=150)
    home: Place
    others: list[Place]
    level: Level
    nick: Optional[str] = None
    flags: dict[str, bool] = {}


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    friends: list[Literal["cat", "dog"]]


class Zoo(BaseModel):
    """Unions, one of them distinguished by a member."""

    animal: Annotated[Union[Cat, Dog], Field(discriminator="kind")]
    size: Union[int, str]
    empty: None


class Node(BaseModel):
    """Recursive."""

    name: str
    value: Optional[float]
    children: list["Node"]


class Chain(BaseModel):
    """Recursive through an option."""

    word: str
    next: Optional["Chain"]


class Names(pydantic.RootModel[list[Place]]):
    """No object at the top."""


MODELS = [Person, Zoo, Node, Chain, Names]
STRICT = [Person, Node, Chain]


def records(retort, store, *flags):
    return [json.loads(line) for line in retort("cat", store, *flags).stdout.split("\n")[:-1]]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("means", ["response-format", "tool"])
def test_pydantic_agrees_with_every_verdict(retort, tmp_path, model, means):
    if means == "tool" and model is Names:
        pytest.skip("a tool's arguments are an object")
    (tmp_path / "s.json").write_text(json.dumps(model.model_json_schema(), indent=1))
    (tmp_path / "p.jsonl").write_text("".join(json.dumps({"id": f"q{n}", "prompt": f"item {n}"}) + "\n" for n in range(60)))
    flags = ["--simulate", "--latency", "1ms", "--json-faults", "prose=0.2,almost=0.2,broken=0.2", "--schema-by", means]
    run = ["run", tmp_path / "p.jsonl", "--out", tmp_path / "store", "--schema", tmp_path / "s.json", *flags]
    retort(*run, status=75)
    good, bad = records(retort, tmp_path / "store"), records(retort, tmp_path / "store", "--failures")
    assert len(good) + len(bad) == 60 and len(good) > 20 and len(bad) > 10
    for record in good:
        model.model_validate_json(record["value"])
    found = {record["value_found"] for record in good}
    assert found >= {"whole", "first"}
    for record in bad:
        assert record["class"] == "invalid_output"
        message = json.loads(record["body"])["choices"][0]["message"]
        text = message["content"] or message["tool_calls"][0]["function"]["arguments"]
        with pytest.raises(pydantic.ValidationError):
            model.model_validate_json(text)


@pytest.mark.parametrize("model", STRICT, ids=lambda model: model.__name__)
def test_the_strict_subset_is_the_one_of_openais_package(retort, tmp_path, model):
    (tmp_path / "p.txt").write_text("one\n")
    (tmp_path / "loose.json").write_text(json.dumps(model.model_json_schema()))
    strict = to_strict_json_schema(model)
    # The package's form of a dict is rejected by the API too.
    strict.get("properties", {}).pop("flags", None)
    strict["required"] = [name for name in strict["required"] if name != "flags"]
    (tmp_path / "strict.json").write_text(json.dumps(strict))
    plan = ["plan", tmp_path / "p.txt", "--out", tmp_path / "store", "-m", "m", "--strict-schema", "--schema"]
    retort(*plan, tmp_path / "strict.json")
    refused = retort(*plan, tmp_path / "loose.json", status=78)
    assert "additionalProperties must be false" in refused.stderr


@pytest.fixture
def client(simulate):
    clients = []

    def connect(*flags):
        _, base_url = simulate("--latency", "0ms", *flags)
        clients.append(openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=15))
        return clients[-1]

    yield connect
    for one in clients:
        one.close()


@pytest.mark.parametrize("model", STRICT, ids=lambda model: model.__name__)
def test_the_package_parses_what_the_simulator_says(client, model):
    openai_client = client()
    chat = openai_client.chat.completions.parse(model="m", messages=QUESTION, response_format=model)
    assert isinstance(chat.choices[0].message.parsed, model)
    response = openai_client.responses.parse(model="m", input=QUESTION, text_format=model)
    assert isinstance(response.output_parsed, model)
    tool = openai.pydantic_function_tool(model)
    choice = {"type": "function", "function": {"name": model.__name__}}
    called = openai_client.chat.completions.parse(model="m", messages=QUESTION, tools=[tool], tool_choice=choice)
    (call,) = called.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, model)
    with openai_client.chat.completions.stream(model="m", messages=QUESTION, tools=[tool], tool_choice=choice) as stream:
        (call,) = stream.get_final_completion().choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, model)


def test_the_package_refuses_almost_true_and_broken_answers_by_rate(client):
    openai_client = client("--json-faults", "almost=0.3,broken=0.2")
    refused = 0
    for number in range(100):
        try:
            openai_client.chat.completions.parse(
                model="m", messages=[{"role": "user", "content": str(number)}], response_format=Chain
            )
        except pydantic.ValidationError:
            refused += 1
    # Binomial: 50 expected, standard deviation 5; the server's seed is fixed, so the count is too.
    assert 25 <= refused <= 75
