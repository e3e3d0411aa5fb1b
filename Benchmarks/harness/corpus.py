"""Prompts and answers. The prose is real: the sentences of the Python standard library's documentation strings.

Everything is drawn from one seed, so that two runs on one Python ask and answer the same.
"""

import importlib
import inspect
import json
import random
import re
from functools import cache

SEED = 20_251_120
# What the prompts made here begin with.
PROMPT_MARK = "Question "
ANSWER_BYTES = 1_400
ANSWERS_VARIED = 256
PERSONA = {
    "name": "nobody in particular",
    "age": 36,
    "city": "Ulm",
    "occupation": "instrument maker",
    "education": "college",
    "skills": ["brass work", "tuning", "bookkeeping"],
    "languages": ["German", "English"],
    "married": True,
    "income": 41250.5,
}
MODULES = (
    "argparse array ast asyncio bisect calendar cmath codecs collections configparser contextlib csv datetime decimal "
    "difflib dis doctest email enum fractions functools gettext glob gzip hashlib heapq html http inspect io "
    "ipaddress itertools json logging mailbox math mimetypes multiprocessing operator optparse os pathlib pickle "
    "pickletools platform pprint queue random re sched secrets selectors shelve shutil smtplib socket sqlite3 ssl "
    "statistics string struct subprocess tarfile tempfile textwrap threading timeit tokenize trace types "
    "unittest urllib.parse urllib.request uuid warnings wave weakref zipfile"
).split()


@cache
def sentences():
    """A few thousand sentences of plain ASCII prose."""
    found = {}
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        things = [module, *vars(module).values()]
        things += [part for thing in things if inspect.isclass(thing) for part in vars(thing).values()]
        for thing in things:
            text = getattr(thing, "__doc__", None)
            for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", text if isinstance(text, str) else ""):
                words = " ".join(sentence.split())
                if 40 <= len(words) <= 240 and words.isascii() and not re.search(r"""[\\"'$<>{}`]|>>>|--""", words):
                    found[words] = None
    return list(found)


def answer(prose):
    """A chat completion's JSON with this text."""
    return json.dumps(
        {
            "id": "chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVw",
            "object": "chat.completion",
            "created": 1763600000,
            "model": "bench-model",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": prose, "refusal": None},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 42,
                "completion_tokens": 210,
                "total_tokens": 252,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        },
        separators=(",", ":"),
    )


def answers(count, size=ANSWER_BYTES):
    """`count` different completions of exactly `size` bytes."""
    chance, made = random.Random(SEED), []
    room = size - len(answer(""))
    for _ in range(count):
        prose = ""
        while len(prose) < room:
            prose += chance.choice(sentences()) + (" " if chance.random() < 0.8 else " -- ")
        made.append(answer(prose[:room]))
    return made


def persona(form):
    """A completion of about `ANSWER_BYTES` bytes with JSON that fits peers/persona.schema.json: its text is that (`bare`), or
    holds it in a fenced block (`fenced`), or it is the arguments of a call (`tool`)."""
    room = ANSWER_BYTES - len(answer(json.dumps(PERSONA)))
    text = json.dumps(PERSONA | {"biography": " ".join(sentences()[: ANSWER_BYTES // 40])[:room]})
    if form != "tool":
        return answer(f"```json\n{text}\n```" if form == "fenced" else text)
    made = json.loads(answer(""))
    call = {"id": "call_1", "type": "function", "function": {"name": "Persona", "arguments": text}}
    made["choices"][0] |= {
        "message": {"role": "assistant", "content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}
    return json.dumps(made, separators=(",", ":"))


def short_answer():
    return answer("A short answer: yes.")


def write_prompts(path, count, words=True):
    """A JSONL file of `count` rows with an id each: a question of two sentences, or a short one. Made once."""
    stamp = path.with_suffix(".made")
    if stamp.exists() and stamp.read_text() == f"{SEED} {count} {words}":
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    chance, pool = random.Random(SEED + 1), [json.dumps(sentence)[1:-1] for sentence in sentences()]
    with path.open("w") as rows:
        for first in range(0, count, 10_000):
            rows.writelines(
                f'{{"id":"q-{row}","prompt":"{PROMPT_MARK}{row}: '
                + (f"explain this: {chance.choice(pool)} {chance.choice(pool)}" if words else "is it so?")
                + '"}\n'
                for row in range(first, min(first + 10_000, count))
            )
    stamp.write_text(f"{SEED} {count} {words}")
    return path
